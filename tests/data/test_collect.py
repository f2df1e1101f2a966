from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from worldsim.core.errors import WorldsimError
from worldsim.core.records import RunRecord
from worldsim.core.seeding import game_seed
from worldsim.data import store
from worldsim.data.collect import collect
from worldsim.data.store import EpisodeTable

# Small commits, so that kills also fall between them.
RECORDING = """
import sys
from worldsim.data import collect
collect.COMMIT_BYTES = 2 << 20
if __name__ == "__main__":
    env_id, episodes = sys.argv[2], int(sys.argv[3])
    collect.collect(env_id, "envs.policies.random:StickyRandomPolicy", episodes, sys.argv[1], max_steps=50, seed=5)
"""


def quiet(line: str) -> None:
    pass


def contents(path: Path) -> list:
    """Everything a table holds, down to how its rows are spread over files."""
    table = EpisodeTable.open(path)
    actions, rewards, terminated = table.read_steps()
    frames = np.concatenate(list(table.scan_frames()))
    index = table.episodes
    parts = [index.lengths, index.offsets, index.seeds, index.truncated, actions, rewards, terminated, frames]
    spread = [fragment.count_rows() for fragment in table._dataset.get_fragments()]
    return [table.info, spread, *(part.tobytes() for part in parts)]


def running_in_group(group: int) -> list[str]:
    """Processes of a process group that have not ended."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, _, fields = stat.read_text().partition(") ")
        except OSError:
            continue
        state, _, pgrp = fields.split()[:3]
        if int(pgrp) == group and state != "Z":
            found.append(name)
    return found


def progress_of(out: Path) -> tuple[int, int, bool]:
    """Commits, episodes waiting for theirs, and whether the recording is finished."""
    parts = out.with_name(f"{out.name}.partial").glob("*/*.npz")
    return len(list(out.glob("_versions/*.manifest"))), len(list(parts)), (out / "record.json").exists()


def start(script: Path, out: Path, *game: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, str(script), str(out), *game],
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


@pytest.mark.parametrize(
    ("env_id", "episodes"),
    [
        ("voxel/arena", 100),
        pytest.param("voxel/arena", 2000, marks=pytest.mark.slow),
        pytest.param("doom/my_way_home", 100, marks=pytest.mark.slow),
    ],
)
def test_kills_change_nothing_and_leave_no_process(tmp_path, env_id, episodes):
    script, game = tmp_path / "record.py", (env_id, str(episodes))
    script.write_text(RECORDING)
    undisturbed = start(script, tmp_path / "undisturbed.lance", *game)
    assert undisturbed.wait(900) == 0, undisturbed.stderr.read().decode()

    rng = np.random.default_rng()
    out = tmp_path / "killed.lance"
    stopped_at = []
    for kill in range(5):
        process, before = start(script, out, *game), progress_of(out)
        # The first kill falls in the start; the others wait until the run gets on, for most of so short a run is start.
        while kill and progress_of(out) == before and process.poll() is None:
            time.sleep(0.01)
        time.sleep(rng.uniform(0, 0.3 if kill else 1.5))
        process.kill()
        process.wait()
        stopped_at.append(progress_of(out))
        deadline = time.monotonic() + 20
        while running := running_in_group(process.pid):
            assert time.monotonic() < deadline, f"still running after the parent was killed: {running}"
            time.sleep(0.05)
    assert any((commits or parts) and not done for commits, parts, done in stopped_at), (
        f"no kill fell in the recording: {stopped_at}"
    )
    process = start(script, out, *game)
    assert process.wait(900) == 0, process.stderr.read().decode()

    assert contents(out) == contents(tmp_path / "undisturbed.lance")
    assert RunRecord.read(out).completed == episodes
    assert sorted(path.name for path in tmp_path.iterdir()) == ["killed.lance", "record.py", "undisturbed.lance"]
    data_files = [
        sum(1 for _ in (tmp_path / name / "data").iterdir()) for name in ("killed.lance", "undisturbed.lance")
    ]
    assert data_files[0] == data_files[1]


def test_the_number_of_workers_changes_nothing(counting_table, record, tmp_path):
    record(tmp_path / "two.lance", workers=2)
    assert contents(tmp_path / "two.lance") == contents(counting_table.path)


def test_episodes_are_seeded_by_split_and_number(counting_table):
    assert counting_table.episodes.seeds.tolist() == [game_seed(3, "train", i) for i in range(20)]


def test_a_finished_table_is_left_alone(counting_table, record):
    def snapshot():
        files = [path for path in Path(counting_table.path).rglob("*") if path.is_file()]
        return sorted((path, path.stat().st_mtime_ns) for path in files)

    before, said = snapshot(), []
    record(counting_table.path, progress=said.append)
    assert snapshot() == before
    assert "is finished: 20 episodes; nothing to do" in said[0]


def test_other_settings_on_the_same_table_are_refused(counting_table, record):
    with pytest.raises(WorldsimError, match=r"other settings \(seed is 3 there, 4 here\); choose another out="):
        record(counting_table.path, seed=4)


def test_two_recordings_into_one_table_are_refused(tmp_path, record, monkeypatch):
    def again(*args, **kwargs):
        monkeypatch.setattr(store, "append", append)
        with pytest.raises(WorldsimError, match="another process is recording into"):
            record(tmp_path / "x.lance", 2)
        append(*args, **kwargs)

    append = store.append
    monkeypatch.setattr(store, "append", again)
    assert len(record(tmp_path / "x.lance", 2)) == 2
    assert store.append is append


def test_an_unfinished_table_says_how_to_finish_it(tmp_path, record, monkeypatch):
    monkeypatch.setattr("worldsim.data.collect.COMMIT_BYTES", 1)

    append = store.append

    def interrupt(out, *args, **kwargs):
        append(out, *args, **kwargs)
        if len(EpisodeTable.open(out, allow_unfinished=True)) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(store, "append", interrupt)
    out = tmp_path / "begun.lance"
    with pytest.raises(KeyboardInterrupt):
        record(out, 9)
    with pytest.raises(WorldsimError, match="has 3 of 9 episodes; run the same collect command again"):
        EpisodeTable.open(out)
    assert EpisodeTable.open(out, allow_unfinished=True).read_episode(2).frames[-1, 0, 0, 0] > 0


@pytest.mark.parametrize(
    ("env_id", "policy", "message"),
    [
        (
            "voxel/arean",
            "envs.policies.random:RandomPolicy",
            "unknown environment 'voxel/arean'. Did you mean 'voxel/arena'",
        ),
        ("voxel/arena", "envs.policies.random:Randompolicy", "the policy 'envs.policies.random:Randompolicy' cannot"),
        ("voxel/arena", "no_such_module:Policy", "the policy 'no_such_module:Policy' cannot be loaded"),
        ("CartPole-v1", "envs.policies.random:RandomPolicy", "a recording needs RGB frames"),
    ],
)
def test_what_cannot_be_recorded_is_named(tmp_path, env_id, policy, message):
    with pytest.raises(WorldsimError, match=message):
        collect(env_id, policy, 2, tmp_path / "x.lance", progress=quiet)
    assert not list(tmp_path.iterdir())


def test_an_unwritable_place_is_named(tmp_path, record):
    (tmp_path / "file").write_text("")
    with pytest.raises(WorldsimError, match=r"cannot .*file/x.lance"):
        record(tmp_path / "file" / "x.lance")


def test_the_real_doom_is_recorded_the_same_twice(tmp_path):
    pytest.importorskip("vizdoom")
    for workers in (1, 2):
        collect(
            "doom/my_way_home",
            "envs.policies.random:StickyRandomPolicy",
            6,
            tmp_path / f"{workers}.lance",
            max_steps=30,
            workers=workers,
            progress=quiet,
        )
    assert contents(tmp_path / "1.lance") == contents(tmp_path / "2.lance")
