"""``worldsim data`` as a person types it."""

from __future__ import annotations

import json

import numpy as np
import pytest

from worldsim.cli.completion import candidates
from worldsim.core.video import read_video


def test_record_look_out_and_in(shell):
    words = ["env=voxel/arena", "policy=random", "episodes=2", "max_steps=6", "workers=1"]
    done = shell("collect", *words, "truth=true", "out=a.lance")
    assert done.returncode == 0, done.stderr

    info = json.loads(shell("data", "info", "data=a.lance", "--json").stdout)
    assert (info["episodes"], info["frames"], info["camera and objects"]) == (2, 14, True)
    assert info["frame sizes"] == ["64x64"]
    assert info["endings"] == {"terminated": 0, "truncated": 2, "neither": 0}
    assert [one["channel"] for one in info["actions"]][:2] == ["attack", "back"]
    printed = shell("data", "info", "data=a.lance").stdout
    assert "voxel/arena" in printed
    assert "truncated 2" in printed

    assert shell("data", "view", "data=a.lance", "episode=1", "out=look.mp4").stdout == "look.mp4\n"
    frames, fps = read_video(shell.folder / "look.mp4")
    assert (len(frames), fps) == (7, 20)
    assert shell("data", "view", "data=a.lance", "out=look.png").returncode == 0
    assert (shell.folder / "look.png").stat().st_size > 10_000

    done = shell("data", "export", "data=a.lance", "format=mp4", "out=videos", "episodes=[1]", "--lossless")
    assert done.returncode == 0, done.stderr
    done = shell("data", "import", "format=mp4", "source=videos", "out=b.lance")
    assert done.stdout == "b.lance: 1 episodes, 7 frames; 0 skipped\n", done.stderr
    from worldsim.data.store import EpisodeTable

    before = EpisodeTable.open(shell.folder / "a.lance").read_episode(1)
    after = EpisodeTable.open(shell.folder / "b.lance").read_episode(0)
    assert (before.frames == after.frames).all()
    assert (before.actions == after.actions).all()
    assert np.isfinite(after.rewards).all()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["inof"], "unknown thing to do with data 'inof'. Did you mean 'info'?"),
        (["info"], "data needs 'data', for example: worldsim data info data=data/arena.lance"),
        (["info", "data=nothing.lance"], "no recorded table at nothing.lance"),
        (["view", "data=x", "episod=1"], "unknown setting 'episod' of data. Did you mean 'episode'?"),
        (["import", "format=vtp", "source=.", "out=x"], "unknown format to import 'vtp'. Did you mean 'vpt'?"),
        (["import", "format=vpt", "source=nowhere", "out=x"], "nowhere is not a folder"),
        (["export", "data=nothing.lance", "format=mp4", "out=x"], "no recorded table at nothing.lance"),
    ],
)
def test_what_a_person_gets_wrong_is_said(shell, words, message):
    assert message in shell.refuses("data", *words)
    assert list(shell.folder.iterdir()) == []


def test_completion_follows_what_is_asked_for():
    assert candidates(["data", ""]) == ["info", "view", "import", "export"]
    assert candidates(["data", "import", "fo"]) == ["format="]
    assert candidates(["data", "import", "format=v"]) == ["format=videos", "format=vpt"]
    assert candidates(["data", "export", "format="]) == ["format=lerobot", "format=minari", "format=mp4"]
    assert candidates(["data", "info", "js"]) == ["json="]
    assert candidates(["data", "info", "format="]) == []
