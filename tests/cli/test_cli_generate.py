"""``worldsim generate`` on a stand-in checkpoint: what it writes, that it repeats, and what it refuses."""

import json
import shlex
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "generate"))

from stand_in import FPS, SIZE, picture, write_checkpoint

from worldsim.cli.commands.generate import GenerateConfig, generate
from worldsim.cli.config import parse
from worldsim.core.errors import WorldsimError
from worldsim.core.records import RunRecord, content_hash, read_rows
from worldsim.core.video import read_video, video_info, write_png, write_video
from worldsim.generate.sources import read_clip


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a checkpoint and things to give."""
    out = tmp_path_factory.mktemp("generate")
    write_checkpoint(out / "stand-in")
    write_checkpoint(out / "plain", text=None, joint=False)
    write_png(out / "red.png", picture(200, 20, 20)[0])
    write_png(out / "large.png", picture(20, 20, 200, size=(64, 64))[0])
    clip = np.concatenate([picture(200, 20 * i, 20) for i in range(6)])
    np.savez(out / "clip.npz", frames=clip, actions=np.full((5, 2), 3, np.float32))
    return out


def made(place, name, **settings) -> Path:
    config = GenerateConfig(simulator=str(place / "stand-in"), task="text", out=str(place / name), precision="float32")
    return generate(replace(config, **settings))


def test_a_generation_leaves_videos_pictures_a_sheet_and_a_record(place, capsys):
    out = made(place, "still", task="still", image=f"{place}/red.png", frames=3, steps=2, prompt=["a tower", "night"])
    rows = read_rows(out / "rows.jsonl")
    assert [row["prompt"] for row in rows] == ["a tower", "night"]
    for row in rows:
        info = video_info(out / row["video"])
        assert info.frames == 4
        assert info.fps == FPS == row["fps"]  # the model's, not a player's
        assert min(info.height, info.width) >= 256
        frames = read_clip(str(out / row["frames"]), "video").frames
        assert frames.shape == (4, *SIZE, 3)
        assert content_hash(frames.tobytes()) == row["frames_hash"]
        assert np.abs(frames[0].astype(int) - picture(200, 20, 20)[0]).max() <= 1
        assert row["plan"]["start_levels"] == [[1, 0.0], [3, 1.0]]
    record = RunRecord.read(out)
    assert record.kind == "generate"
    assert record.model["checkpoint_hash"] and record.model["steps"] == 2
    sheet = read_clip(str(out / "sheet.png"), "image").frames[0]
    assert sheet.shape[0] > 2 * SIZE[0]
    said = capsys.readouterr()
    assert said.out.split() == [*(str(out / row["video"]) for row in rows), str(out / "sheet.png")]
    assert "still, 2 to make: 6/6" in said.err


def test_the_same_command_makes_the_same_and_another_seed_does_not(place):
    settings = {"task": "extend", "video": [f"{place}/clip.npz@:4"], "frames": 3, "steps": 2, "samples": 2}
    hashes = [
        [row["frames_hash"] for row in read_rows(made(place, name, seed=seed, **settings) / "rows.jsonl")]
        for name, seed in (("a", 1), ("b", 1), ("c", 2))
    ]
    assert hashes[0] == hashes[1]
    assert len({*hashes[0], *hashes[2]}) == 4


def test_a_picture_is_one_png(place):
    out = made(place, "picture", task="image", prompt=["a red tower"], steps=1, height=16, width=64)
    (row,) = read_rows(out / "rows.jsonl")
    assert row["picture"] == "picture-000.png"
    assert read_clip(str(out / row["picture"]), "image").frames.shape == (1, 16, 64, 3)
    assert not list(out.glob("*.mp4"))


def test_what_was_made_can_be_given_again_as_pngs_or_as_the_mp4_resized(place):
    first = made(place, "first", frames=2, steps=1)
    longer = made(place, "longer", task="extend", video=[str(first / "video-000")], frames=2, steps=1)
    assert read_rows(longer / "rows.jsonl")[0]["plan"]["frames"] == 4
    mp4 = str(first / "video-000.mp4")
    height, width = SIZE
    again = made(
        place, "again", task="prepend", video=[mp4], frames=1, steps=1, resize=True, height=height, width=width
    )
    assert len(read_video(again / "video-000.mp4")[0]) == 3


def test_several_beginnings_of_one_ending_and_frame_by_frame_with_actions(place):
    endings = made(place, "endings", task="endings", end=f"{place}/red.png", frames=2, steps=1)
    rows = read_rows(endings / "rows.jsonl")
    assert len(rows) == 3
    assert len({row["seed"] for row in rows}) == 3
    assert len({row["plan"]["given_hash"] for row in rows}) == 1
    turn = "camera_yaw_right_deg:7"
    long = made(place, "long", task="long", image=f"{place}/red.png", frames=5, actions=turn)
    plan = read_rows(long / "rows.jsonl")[0]["plan"]
    assert plan["causal"]
    assert plan["actions"] == [[0.0, 7.0]] * 5


def test_a_prompt_is_written_out_as_training_captions_are(place, capsys):
    from worldsim.text.style import CaptionStyle

    CaptionStyle.of_captions(["a red tower at night"] * 3 + ["a red tower", "a day"]).write(place / "stand-in")
    out = made(place, "expanded", frames=1, steps=1, prompt=["scarlet tower, midnight", "a day"], expand="embedded")
    rows = read_rows(out / "rows.jsonl")
    assert [row["typed_prompt"] for row in rows] == ["scarlet tower, midnight", "a day"]
    assert [row["prompt"] for row in rows] == ["a red tower at night", "a day"]
    assert "scarlet tower, midnight -> a red tower at night" in capsys.readouterr().err
    with pytest.raises(WorldsimError, match="so there are no training captions to write like"):
        made(place, "refused", simulator=str(place / "plain"), prompt=["a day"], expand="embedded")
    with pytest.raises(WorldsimError, match="Did you mean 'embedded'"):
        made(place, "refused", prompt=["a day"], expand="embeded")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("task=stil image=red.png", "unknown task 'stil'. Did you mean 'still'"),
        ("task=still", "needs image="),
        ("task=text frames=0", "frames=0: 'frames' has to be at least 1"),
        ("task=text steps=65", "steps=65 has to be from 1 to 64"),
        ("task=text height=60 width=64", "the nearest size is 64x64, so give height=64 width=64"),
        ("task=text prompt='a red tower at night and day'", "reads 6"),
        ("task=text negative=fog guidance=1", "needs guidance= above 1"),
        ("task=connect video=clip.npz end=large.png", "end=large.png is 64x64 (height x width), the video 32x48"),
        ("task=edit video=clip.npz prompt=night strength=1.5", "strength=1.5 has to be from 0"),
        ("task=edit video=clip.npz", "give prompt="),
        ("task=extend video=gone.mp4", "video=gone.mp4: there is no gone.mp4"),
        ("task=extend video=broken.mp4", "broken.mp4 cannot be decoded"),
        ("task=still image=broken.png", "broken.png cannot be read as a picture"),
        ("task=still image=clip.npz", "image=clip.npz has 6 frames; say which one"),
        ("task=text actions=jump:1", "the channels are forward, camera_yaw_right_deg"),
        ("task=extend video=clip.npz actions=short.npy frames=3", "2 actions were given; this video has 3 steps"),
        ("task=extend video=[clip.npz,clip.npz] prompt=[a,b,c]", "3 prompts and 2 videos"),
        ("task=text prompt=night expand=endpoint", "expand=endpoint needs expand_settings={url:...,model:...}"),
        ("task=text prompt=night expand=embedded expand_settings={sed:1}", "Did you mean 'seed'"),
        ("task=loop causal=true", "task=loop is made all at once"),
        ("task=extend video=clip.npz causal=true guidance=3", "guidance= is for what is made all at once"),
        ("simulator=plain task=text", "trained frame by frame only: it cannot make a whole clip at once"),
        ("simulator=plain task=still image=red.png causal=true prompt=night", "trained without text"),
        ("simulator=none/such task=text", "no checkpoint folder 'none/such'"),
    ],
)
def test_what_cannot_be_made_is_said(place, words, message, monkeypatch):
    monkeypatch.chdir(place)
    (place / "broken.mp4").write_bytes(b"no video")
    (place / "broken.png").write_bytes(b"no picture")
    np.save(place / "short.npy", np.zeros((2, 2), np.float32))
    typed = shlex.split(words)
    if not any(word.startswith("simulator=") for word in typed):
        typed.append("simulator=stand-in")
    with pytest.raises(WorldsimError) as refused:
        generate(parse(GenerateConfig, [*typed, "out=refused"], "generate"))
    assert message in str(refused.value)
    assert not (place / "refused").exists()


def test_the_command_line_ends_with_one_plain_sentence(shell):
    write_video(shell.folder / "clip.mp4", np.zeros((3, 64, 64, 3), np.uint8), 20)
    said = shell.refuses("generate", "simulator=voxel-base", "task=edit", "video=clip.mp4", "prompt=night")
    assert "voxel-base was trained without text" in said


def test_the_help_needs_no_torch_and_names_every_task(shell):
    code = "import sys; from worldsim.cli.main import main; main(['generate', '--help']); print('torch' in sys.modules)"
    said = shell.python("-c", code).stdout
    assert said.splitlines()[-1] == "False"
    from worldsim.generate.tasks import TASKS

    assert all(task in said for task in TASKS)


def test_rows_are_plain_json(place):
    out = made(place, "plain-rows", frames=2, steps=1)
    (line,) = (out / "rows.jsonl").read_text().splitlines()
    assert json.loads(line)["plan"]["actions"] is None
