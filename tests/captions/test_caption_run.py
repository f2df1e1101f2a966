"""Captions of a table: kept through kill -9, asked once, stored with who wrote them, and read back with clips."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from worldsim.captions.captioner import Captioner
from worldsim.captions.clip import places
from worldsim.captions.run import caption_table
from worldsim.captions.state import StateCaptioner, StateConfig
from worldsim.core.errors import UnknownNameError, WorldsimError
from worldsim.data.clips import ClipReader
from worldsim.data.store import EpisodeTable

# A captioner that takes its time and writes down what it is asked, in a process that can be killed.
SLOW = """
import sys, time
from worldsim.captions.run import caption_table
from worldsim.captions.state import StateCaptioner

class Slow(StateCaptioner):
    def caption(self, clip):
        texts = super().caption(clip)
        with open(sys.argv[2], "a") as asked:
            asked.write(f"{clip.place.row} {clip.place.frames}\\n")
        time.sleep(float(sys.argv[3]))
        return texts

caption_table(sys.argv[1], Slow(), lengths=[30, 0], stride=15)
"""


def found(path: str) -> list[tuple[int, int, str]]:
    return [
        (one.row, one.frames, one.text) for one in EpisodeTable.open(path).captions("state", StateCaptioner.version)
    ]


def test_killed_and_repeated_is_as_undisturbed(voxel_table, table_copy, tmp_path):
    asked = tmp_path / "asked.txt"
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", SLOW, table_copy, str(asked)]
    for lines in (3, 9):
        process = subprocess.Popen([*command, "0.1"], env=env)
        while not (asked.exists() and len(asked.read_text().splitlines()) >= lines):
            assert process.poll() is None
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        assert EpisodeTable.open(table_copy).captioners == []
    subprocess.run([*command, "0"], env=env, check=True)
    once = asked.read_text().splitlines()
    wanted = places(voxel_table, [30, 0], 15)
    assert len(set(once)) == len(wanted)
    assert len(once) <= len(wanted) + 2  # the clip that a kill fell into is asked again, no other
    assert not Path(f"{table_copy}.captions").exists()

    undisturbed = found(table_copy)
    assert len(undisturbed) == 4 * len(wanted)
    expected = {}
    caption_table(table_copy, StateCaptioner(name="again"), lengths=[30, 0], stride=15)
    for one in EpisodeTable.open(table_copy).captions("again", StateCaptioner.version):
        expected.setdefault((one.row, one.frames), []).append(one.text)
    kept = {}
    for row, frames, text in undisturbed:
        kept.setdefault((row, frames), []).append(text)
    assert kept == expected


def test_more_clips_are_added_and_other_settings_refused(table_copy):
    first = caption_table(table_copy, StateCaptioner(), lengths=[30], stride=30)
    again = caption_table(table_copy, StateCaptioner(), lengths=[30], stride=30)
    assert (first.had, first.captioned, again.had, again.captioned) == (0, first.clips, first.clips, 0)
    before = found(table_copy)
    more = caption_table(table_copy, StateCaptioner(), lengths=[30, 0], stride=15)
    assert more.had == first.clips and more.captioned == more.clips - first.clips > 0
    assert set(before) < set(found(table_copy))
    assert len(found(table_copy)) == 4 * more.clips
    with pytest.raises(WorldsimError, match=r"made with other settings \(seed is 0 there, 7 here\).*label="):
        caption_table(table_copy, StateCaptioner(StateConfig(seed=7)), lengths=[30], stride=30)
    caption_table(table_copy, StateCaptioner(StateConfig(seed=7), name="other"), lengths=[30], stride=30)
    assert EpisodeTable.open(table_copy).captioners == [(name, StateCaptioner.version) for name in ("other", "state")]


def test_frames_and_key_of_the_table_stay_and_clips_bring_captions(voxel_table, table_copy):
    caption_table(table_copy, StateCaptioner(), lengths=[40, 0], stride=10)
    table = EpisodeTable.open(table_copy)
    assert table.content_key == voxel_table.content_key
    assert "arena" in table.read_episode(0).caption
    clips = ClipReader([table], 16, 32, seed=1, captions=True).batch(0)
    assert all(clips.captions) and len(set(clips.captions)) > 8


@pytest.mark.parametrize(("lengths", "stride"), [([], 16), ([1], 16), ([-5], 16), ([16], 0)])
def test_lengths_that_make_no_clips(voxel_table, lengths, stride):
    with pytest.raises(WorldsimError, match=rf"stride={stride}"):
        places(voxel_table, lengths, stride)


def test_places_cover_every_frame(voxel_table):
    covered = set()
    for place in places(voxel_table, [32], 16):
        assert place.row == voxel_table.episodes.offsets[place.episode] + place.start
        assert place.start + place.frames <= voxel_table.episodes.lengths[place.episode]
        covered |= set(range(place.row, place.row + place.frames))
    assert covered == set(range(int(voxel_table.episodes.lengths.sum())))


def test_styles():
    assert isinstance(StateCaptioner(), Captioner)
    with pytest.raises(UnknownNameError, match=r"unknown caption style 'comand'\. Did you mean 'command'"):
        StateConfig(styles=("comand",))
    with pytest.raises(WorldsimError, match="writes nothing"):
        StateConfig(styles=())


def run_cli(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "worldsim.cli", "caption", *words], capture_output=True, text=True)


def test_command_line(table_copy):
    shown = run_cli(f"data={table_copy}", "show=2", "styles=[command,tags]", "frames=30")
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.count(", episode ") == 2 and len(shown.stdout.splitlines()) == 6
    assert EpisodeTable.open(table_copy).captioners == []
    done = run_cli(f"data={table_copy}", "frames=30", "label=mine")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == table_copy and "clips captioned as mine v3" in done.stderr
    config = json.loads(EpisodeTable.open(table_copy)._dataset.config()["worldsim.captions:mine:v3"])
    assert config["captioner"] == "state" and config["seed"] == 0
    wrong = run_cli(f"data={table_copy}", "captioner=stat")
    assert wrong.returncode == 2 and "unknown captioner 'stat'. Did you mean 'state'?" in wrong.stderr
