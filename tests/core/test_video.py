"""Videos come back as they were written: count, size, frame rate, and pixels within the codec's loss."""

import builtins

import numpy as np
import pytest

from worldsim.core.errors import DamagedFileError, MissingDependencyError, WorldsimError
from worldsim.core.video import (
    VideoInfo,
    contact_sheet,
    exact_rate,
    read_frames,
    read_video,
    video_info,
    write_png,
    write_video,
)


def moving_scene(count: int, height: int, width: int) -> np.ndarray:
    """A coloured square over a gradient, a different place in every frame."""
    down, across = np.mgrid[0:height, 0:width]
    ground = np.stack([down * 255 // height, across * 255 // width, np.full_like(down, 90)], axis=-1).astype(np.uint8)
    frames = np.repeat(ground[None], count, axis=0)
    for index in range(count):
        left = (3 * index) % (width - 12)
        frames[index, 8:20, left : left + 12] = (220, 40, 30)
    return frames


def psnr(first: np.ndarray, second: np.ndarray) -> float:
    return 10 * np.log10(255**2 / np.mean((first.astype(float) - second) ** 2))


@pytest.mark.parametrize("fps", [20.0, 8.75, 30000 / 1001])
@pytest.mark.parametrize("count", [1, 2, 37])
def test_frame_count_and_rate_are_exact(tmp_path, fps, count):
    write_video(tmp_path / "a.mp4", moving_scene(count, 48, 64), fps)
    frames, read_fps = read_video(tmp_path / "a.mp4")
    assert len(frames) == count
    assert read_fps == float(exact_rate(fps))
    assert [p.name for p in tmp_path.iterdir()] == ["a.mp4"]  # no part file stays behind


def test_pixels_survive_at_scale_4_and_less_well_at_1(tmp_path):
    frames = moving_scene(20, 64, 64)
    large, _ = read_video(write_video(tmp_path / "large.mp4", frames, 20, scale=4))
    plain, _ = read_video(write_video(tmp_path / "plain.mp4", frames, 20))
    assert large.shape == (20, 256, 256, 3)
    at_4, at_1 = psnr(large[:, 1::4, 1::4], frames), psnr(plain, frames)
    assert at_4 > 38
    assert at_1 > 28
    assert at_4 > at_1  # halved colour resolution costs less after enlarging
    shifted = psnr(large[1:, 1::4, 1::4], frames[:-1])
    assert shifted < at_4 - 5  # frame t is frame t, not its neighbour


@pytest.mark.parametrize(("height", "width", "scale"), [(63, 65, 1), (33, 40, 3), (32, 41, 2)])
def test_odd_sizes_are_padded_in_the_file_and_cropped_when_read(tmp_path, height, width, scale):
    frames = moving_scene(5, height, width)
    read, _ = read_video(write_video(tmp_path / "odd.mp4", frames, 10, scale))
    assert read.shape == (5, height * scale, width * scale, 3)
    assert psnr(read, frames.repeat(scale, axis=1).repeat(scale, axis=2)) > 28


def test_colours_do_not_drift(tmp_path):
    flat = np.zeros((3, 32, 32, 3), np.uint8) + np.array([200, 60, 20], np.uint8)
    read, _ = read_video(write_video(tmp_path / "flat.mp4", flat, 5))
    assert np.abs(read.astype(int) - flat).max() <= 4


def test_the_index_comes_before_the_data_so_that_browsers_start_at_once(tmp_path):
    raw = write_video(tmp_path / "a.mp4", moving_scene(4, 32, 32), 5).read_bytes()
    assert 0 < raw.index(b"moov") < raw.index(b"mdat")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda raw: b"not a video at all", "cannot be decoded"),
        (lambda raw: b"", "cannot be decoded"),
        (lambda raw: raw[: len(raw) * 2 // 3], "cut|cannot be decoded"),
    ],
)
def test_damaged_files_are_named(tmp_path, damage, message):
    path = write_video(tmp_path / "a.mp4", moving_scene(30, 64, 64), 20)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DamagedFileError, match=message) as caught:
        read_video(path)
    assert "a.mp4" in str(caught.value)


@pytest.mark.parametrize(
    ("frames", "fps", "scale", "message"),
    [
        (np.zeros((0, 8, 8, 3), np.uint8), 5, 1, "at least one frame"),
        (np.zeros((2, 8, 8, 3), np.float32), 5, 1, "float32"),
        (np.zeros((8, 8, 3), np.uint8), 5, 1, r"\(8, 8, 3\)"),
        (np.zeros((2, 8, 8, 3), np.uint8), 0, 1, "fps=0"),
        (np.zeros((2, 8, 8, 3), np.uint8), float("nan"), 1, "fps=nan"),
        (np.zeros((2, 8, 8, 3), np.uint8), 5, 0, "scale=0"),
    ],
)
def test_what_is_no_video_is_refused(tmp_path, frames, fps, scale, message):
    with pytest.raises(WorldsimError, match=message):
        write_video(tmp_path / "a.mp4", frames, fps, scale)
    assert not list(tmp_path.iterdir())


def test_a_missing_file_and_a_missing_package_are_said(tmp_path, monkeypatch):
    with pytest.raises(WorldsimError, match="there is no video"):
        read_video(tmp_path / "none.mp4")
    true_import = builtins.__import__

    def without_av(name, *rest, **named):
        if name == "av":
            raise ModuleNotFoundError(name)
        return true_import(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", without_av)
    with pytest.raises(MissingDependencyError, match="pip install av"):
        write_video(tmp_path / "a.mp4", moving_scene(2, 16, 16), 5)


def test_contact_sheet_places_every_frame_and_png_is_lossless(tmp_path):
    import cv2

    frames = moving_scene(3, 24, 32)
    sheet = contact_sheet([frames, frames[:2]], scale=2, gap=4)
    assert sheet.shape == (2 * 48 + 4, 3 * 64 + 8, 3)
    assert (sheet[52:100, 68:132] == frames[1].repeat(2, axis=0).repeat(2, axis=1)).all()
    assert (sheet[52:, 136:] == 255).all()  # the shorter row leaves its place empty
    read = cv2.imread(str(write_png(tmp_path / "sheet.png", sheet)))[..., ::-1]
    assert (read == sheet).all()
    with pytest.raises(WorldsimError, match="one size"):
        contact_sheet([frames, frames[:, :10]])


def test_single_frames_and_the_header_agree_with_the_whole_file(tmp_path):
    path = write_video(tmp_path / "a.mp4", moving_scene(30, 33, 40), 8.75)
    whole, _ = read_video(path)
    some, _ = read_frames(path, [0, 7, 29])
    assert (some == whole[[0, 7, 29]]).all()
    assert video_info(path) == VideoInfo(30, 8.75, 33, 40)
    with pytest.raises(DamagedFileError, match="30 of 30"):
        read_frames(path, [31])
