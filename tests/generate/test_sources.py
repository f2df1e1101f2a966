"""Given pictures, clips and actions: every form they come in, and what is said of those that cannot be used."""

import numpy as np
import pytest

from worldsim.core.errors import DamagedFileError, WorldsimError
from worldsim.core.video import write_png, write_video
from worldsim.generate.sources import read_actions, read_clip, read_still, resized
from worldsim.generate.tasks import Clip

CHANNELS = ("forward", "camera_yaw_right_deg")
FRAMES = np.random.default_rng(0).integers(0, 255, (10, 16, 24, 3), dtype=np.uint8)
ACTIONS = np.arange(18, dtype=np.float32).reshape(9, 2)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("sources")
    write_video(out / "clip.mp4", FRAMES.repeat(4, 1).repeat(4, 2), 20)
    write_png(out / "one.png", FRAMES[3])
    for t, frame in enumerate(FRAMES):
        write_png(out / "pngs" / f"frame-{t:05d}.png", frame)
    np.savez(out / "clip.npz", frames=FRAMES, actions=ACTIONS)
    np.save(out / "clip.npy", FRAMES)
    np.save(out / "rows.npy", ACTIONS)
    return out


def test_pictures_folders_arrays_and_videos_give_their_frames(folder):
    assert np.array_equal(read_still(f"{folder}/one.png", "image").frames, FRAMES[3:4])
    assert np.array_equal(read_clip(f"{folder}/pngs", "video").frames, FRAMES)
    assert np.array_equal(read_clip(f"{folder}/clip.npy", "video").frames, FRAMES)
    video = read_clip(f"{folder}/clip.mp4", "video")
    assert video.frames.shape == (10, 64, 96, 3)
    assert video.actions is None
    assert video.name == f"video={folder}/clip.mp4"


@pytest.mark.parametrize(
    ("place", "frames", "actions"),
    [
        ("", (0, 10), (0, 9)),
        ("@2:5", (2, 5), (2, 4)),
        ("@-3:", (7, 10), (7, 9)),
        ("@4", (4, 5), (4, 4)),
        ("@-1", (9, 10), (9, 9)),
    ],
)
def test_ranges_cut_frames_and_the_actions_between_them(folder, place, frames, actions):
    clip = read_clip(f"{folder}/clip.npz{place}", "video")
    assert np.array_equal(clip.frames, FRAMES[slice(*frames)])
    assert np.array_equal(clip.actions, ACTIONS[slice(*actions)])


def test_an_episode_of_a_table_comes_with_its_actions(tmp_path):
    from worldsim.data.collect import collect
    from worldsim.data.store import EpisodeTable

    table = str(tmp_path / "arena.lance")
    collect("voxel/arena", "envs.policies.explorer:make_explorer", 2, table, max_steps=6, workers=1)
    episode = EpisodeTable.open(table).read_episode(1)
    clip = read_clip(f"{table}@1@2:5", "video")
    assert np.array_equal(clip.frames, episode.frames[2:5])
    assert np.array_equal(clip.actions, episode.actions[2:4])
    assert np.array_equal(read_actions(f"{table}@1@2:5", CHANNELS), episode.actions[2:4])
    with pytest.raises(WorldsimError, match=r"say which episode of the table, as in video=.*@0"):
        read_clip(table, "video")
    with pytest.raises(WorldsimError, match="has episodes 0 to 1; asked for 7"):
        read_clip(f"{table}@7", "video")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("gone.mp4", "video=.*gone.mp4: there is no .*gone.mp4"),
        ("clip.npz@12", "there are frames 0 to 9; 12 is not among them"),
        ("clip.npz@5:5", "5:5 is not among them"),
        ("clip.npz@3:99", "3:99 is not among them"),
        ("clip.npz@three", "'three' is neither a frame such as 7 nor a range such as 0:16"),
        ("clip.npz@1@2", "write one frame or a range of frames"),
        ("rows.npy", r"holds float32 \(9, 2\); frames are uint8 \(T, H, W, 3\)"),
        ("empty", "holds no pictures"),
        ("mixed", "of different sizes"),
        ("text.mp4", "cannot be decoded|holds no video stream"),
        ("text.png", "cannot be read as a picture"),
        ("text.npz", "cannot be read as arrays"),
        ("pickled.npz", "cannot be read as arrays"),
        ("wrong.npz", "a clip is an array called 'frames'"),
        ("uneven.npz", r"10 frames and actions of shape \(4, 2\).* so 9 rows"),
    ],
)
def test_what_cannot_be_read_is_said(folder, source, message):
    (folder / "empty").mkdir(exist_ok=True)
    write_png(folder / "mixed" / "a.png", FRAMES[0])
    write_png(folder / "mixed" / "b.png", FRAMES[0, :8])
    for name in ("text.mp4", "text.png", "text.npz"):
        (folder / name).write_text("no pictures here")
    np.savez(folder / "pickled.npz", frames=np.array([object()]))
    np.savez(folder / "wrong.npz", pictures=FRAMES)
    np.savez(folder / "uneven.npz", frames=FRAMES, actions=ACTIONS[:4])
    with pytest.raises((WorldsimError, DamagedFileError), match=message):
        read_clip(f"{folder}/{source}", "video")


def test_a_still_is_one_frame(folder):
    assert len(read_still(f"{folder}/clip.npz@3", "image").frames) == 1
    with pytest.raises(WorldsimError, match=r"image=.*clip.npz has 10 frames; say which one, as in .*clip.npz@0"):
        read_still(f"{folder}/clip.npz", "image")


def test_actions_from_arrays_and_from_words(folder):
    assert np.array_equal(read_actions(f"{folder}/rows.npy", CHANNELS), ACTIONS)
    assert np.array_equal(read_actions(f"{folder}/clip.npz", CHANNELS), ACTIONS)
    assert read_actions("camera_yaw_right_deg:-7.5", CHANNELS).tolist() == [[0, -7.5]]
    assert read_actions("forward:1, camera_yaw_right_deg:5", CHANNELS).tolist() == [[1, 5]]
    for wrong in ("jump:1", "forward", "forward:fast", "forward:nan"):
        with pytest.raises(WorldsimError, match=r"the channels are forward, camera_yaw_right_deg"):
            read_actions(wrong, CHANNELS)
    np.savez(folder / "frames_only.npz", frames=FRAMES)
    with pytest.raises(WorldsimError, match="an array called 'actions'"):
        read_actions(f"{folder}/frames_only.npz", CHANNELS)
    with pytest.raises(WorldsimError, match="there is no"):
        read_actions(f"{folder}/gone.npy", CHANNELS)


def test_resizing_averages_and_keeps_actions():
    clip = Clip(np.full((2, 32, 32, 3), 80, np.uint8), np.ones((1, 2), np.float32))
    small = resized(clip, (16, 24))
    assert small.frames.shape == (2, 16, 24, 3)
    assert (small.frames == 80).all()
    assert small.actions is clip.actions
    assert resized(clip, (32, 32)) is clip
