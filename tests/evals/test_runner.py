import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from evals.cases import RealBranches
from evals.dreaming import dream
from evals.games import RealGame
from evals.run import evaluate
from evals.suites.control import ControlSuite
from evals.trial import Trial
from worldsim.core.energy import EnergyMeter
from worldsim.core.errors import DamagedFileError, WorldsimError
from worldsim.core.records import read_json, read_rows

LIMIT = 6
NOT_THE_SAME_TWICE = ("wall_s",)


def run(band, out, simulator, cache, **changes):
    arguments = {"suites": ["control"], "games": [(band.ENV_ID, {})], "limit": LIMIT, "videos": 0, "batch": 6}
    return evaluate([(simulator, "model")], out=out, cache=cache, **{**arguments, **changes})


def comparable(folder):
    rows = read_rows(Path(folder) / "rows.jsonl")
    return [{key: value for key, value in row.items() if key not in NOT_THE_SAME_TWICE} for row in rows]


def starts(band, cache, numbers):
    """The frames at which the given scenarios start."""
    game, suite, store = RealGame(band.ENV_ID, {}), ControlSuite(), RealBranches(cache)
    return [store.get(suite, game, i).context_frames[-1] for i in numbers]


def entry(summary, simulator):
    return next(part for part in summary["suites"][0]["simulators"] if part["simulator"] == simulator)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("raise", "RuntimeError: out of dreams"),
        ("shape", "frames are uint8"),
        ("float", "frames are float32"),
        ("nan", "reward is not a finite number"),
        ("probability", "termination_prob is no probability"),
    ],
)
def test_a_faulty_simulator_fails_in_its_own_scenarios_only(band, tmp_path, case_cache, fault, reason):
    simulator = band.Faulty(starts(band, case_cache, [1, 4]), fault)
    summary = run(band, tmp_path, simulator, case_cache)
    rows = [row for row in read_rows(tmp_path / "rows.jsonl") if row["simulator"] == "faulty"]
    assert [row["status"] for row in rows] == ["completed", "failed", "completed", "completed", "failed", "completed"]
    assert all(reason in row["reason"] and not row["values"] for row in rows if row["status"] == "failed")
    ours = entry(summary, "faulty")
    assert (ours["planned"], ours["completed"], ours["failed"]) == (6, 4, 2)
    assert ours["coverage"] == pytest.approx(4 / 6)
    # Failures are not dropped: four ties and two zeros.
    assert ours["metrics"]["action_swap_2afc"]["mean"] == pytest.approx(4 * 0.5 / 6)
    assert ours["metrics"]["action_swap_2afc"]["n"] == 6
    assert ours["metrics"]["psnr@8"]["n"] == 4
    assert ours["score"]["mean"] < 0


def test_what_works_is_the_same_beside_what_fails(band, tmp_path, case_cache):
    well, ill = tmp_path / "well", tmp_path / "ill"
    run(band, well, band.Faulty([], "raise"), case_cache, controls=[])
    run(band, ill, band.Faulty(starts(band, case_cache, [2]), "raise"), case_cache, controls=[])
    for good, row in zip(comparable(well), comparable(ill), strict=True):
        assert row["status"] == "failed" or row == good


def test_branches_of_a_scenario_share_their_random_numbers(band, tmp_path, case_cache):
    summary = run(band, tmp_path, band.Noisy(), case_cache)
    assert entry(summary, "noisy")["metrics"]["action_swap_2afc"]["mean"] == 0.5  # noise that ignores actions: all ties
    game, suite, store = RealGame(band.ENV_ID, {}), ControlSuite(), RealBranches(case_cache)
    first, second = dream(band.Noisy(), [store.get(suite, game, i) for i in (0, 1)], seed=0)
    assert isinstance(first, Trial)
    assert isinstance(second, Trial)
    np.testing.assert_array_equal(first.dream["a"].frames, first.dream["b"].frames)
    noise = [trial.dream["a"].frames[0].astype(int) - trial.start for trial in (first, second)]
    assert not np.array_equal(*noise)


def test_a_finished_run_is_not_run_again(band, tmp_path, case_cache):
    run(band, tmp_path, band.Noisy(), case_cache)
    before, summary = comparable(tmp_path), read_json(tmp_path / "summary.json")
    simulator = band.Noisy()
    run(band, tmp_path, simulator, case_cache)
    assert simulator.calls == 0
    assert comparable(tmp_path) == before
    assert read_json(tmp_path / "summary.json") == summary


def test_a_larger_limit_goes_on(band, tmp_path, case_cache):
    run(band, tmp_path / "grown", band.Noisy(), case_cache, limit=2)
    run(band, tmp_path / "grown", band.Noisy(), case_cache)
    run(band, tmp_path / "whole", band.Noisy(), case_cache)
    grown, whole = comparable(tmp_path / "grown"), comparable(tmp_path / "whole")
    assert sorted(grown, key=lambda row: row["key"]) == sorted(whole, key=lambda row: row["key"])


def test_a_cut_last_line_is_run_again(band, tmp_path, case_cache):
    run(band, tmp_path, band.Noisy(), case_cache)
    path = tmp_path / "rows.jsonl"
    whole = comparable(tmp_path)
    raw = path.read_bytes()
    path.write_bytes(raw[:-40])
    run(band, tmp_path, band.Noisy(), case_cache)
    assert comparable(tmp_path) == whole
    path.write_bytes(raw.replace(b'"schema"', b'"schema', 1))
    with pytest.raises(DamagedFileError, match="line 1"):
        run(band, tmp_path, band.Noisy(), case_cache)


def test_another_checkpoint_replaces_the_rows_and_says_so(band, tmp_path, case_cache, capsys):
    run(band, tmp_path, band.Noisy(), case_cache)
    run(band, tmp_path, band.Noisy(version=2), case_cache)
    assert f"{LIMIT} older rows were made with another simulator" in capsys.readouterr().err
    rows = read_rows(tmp_path / "rows.jsonl")
    places = [(row["simulator"], row["scenario"]) for row in rows]
    assert len(places) == len(set(places))
    assert sum(simulator == "noisy" for simulator, _ in places) == LIMIT
    assert len(read_rows(tmp_path / "superseded.jsonl")) == LIMIT


def test_failed_rows_stay_until_asked_for(band, tmp_path, case_cache):
    bad = starts(band, case_cache, [3])
    run(band, tmp_path, band.Faulty(bad, "raise"), case_cache)
    repaired = band.Faulty([], "raise")
    assert entry(run(band, tmp_path, repaired, case_cache), "faulty")["failed"] == 1
    assert entry(run(band, tmp_path, repaired, case_cache, retry_failed=True), "faulty")["failed"] == 0


def test_requests_that_cannot_be_met_are_explained(band, tmp_path, case_cache):
    class Wide(band.Noisy):
        def describe(self):
            return {**super().describe(), "height": 64, "width": 64}

    class OtherKeys(band.Noisy):
        def describe(self):
            return {**super().describe(), "codec": [{"name": "fire"}]}

    with pytest.raises(WorldsimError, match=r"64x64.*height=64"):
        run(band, tmp_path, Wide(), case_cache)
    with pytest.raises(WorldsimError, match="action channels fire"):
        run(band, tmp_path, OtherKeys(), case_cache)
    with pytest.raises(WorldsimError, match=r"unknown suite 'contrl'\. Did you mean 'control'"):
        run(band, tmp_path, band.Noisy(), case_cache, suites=["contrl"])
    with pytest.raises(WorldsimError, match="limit=0"):
        run(band, tmp_path, band.Noisy(), case_cache, limit=0)
    with pytest.raises(WorldsimError, match="two simulators are called 'noisy'"):
        evaluate([(band.Noisy(), "model")] * 2, ["control"], [(band.ENV_ID, {})], tmp_path, 1, cache=case_cache)
    with pytest.raises(WorldsimError, match="no game was given"):
        run(band, tmp_path, band.Noisy(), case_cache, games=None)


@pytest.mark.parametrize("kills", [3, pytest.param(10, marks=pytest.mark.slow)])
def test_killed_at_random_it_gives_the_rows_of_an_undisturbed_run(tmp_path, kills):
    script = Path(__file__).with_name("kill_run.py")

    def command(out, sleep_s):
        return [sys.executable, str(script), str(tmp_path / out), str(tmp_path / "cache" / out), str(sleep_s)]

    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    subprocess.run(command("whole", 0), check=True, capture_output=True, env=environment)
    whole = comparable(tmp_path / "whole")
    rng, rows_path = random.Random(0), tmp_path / "killed" / "rows.jsonl"
    for target in sorted(rng.sample(range(1, len(whole) - 12), kills)):
        process = subprocess.Popen(command("killed", 0.01), stderr=subprocess.DEVNULL, env=environment)
        while process.poll() is None and (not rows_path.exists() or rows_path.read_bytes().count(b"\n") < target):
            time.sleep(0.002)
        time.sleep(rng.uniform(0, 0.05))
        assert process.poll() is None, "it was done before it could be killed"
        process.send_signal(signal.SIGKILL)
        process.wait()
    with open(rows_path, "ab") as handle:  # a write that the last kill cut short
        handle.write(b'{"schema": 1, "key": "12')
    subprocess.run(command("killed", 0), check=True, capture_output=True, env=environment)
    killed = comparable(tmp_path / "killed")
    assert len({row["key"] for row in whole}) == len(whole) >= 96
    assert killed == whole
    for name in ("summary.json", "table.csv"):
        assert (tmp_path / "killed" / name).read_text() == (tmp_path / "whole" / name).read_text()
    for row in killed:
        assert all((tmp_path / "killed" / path).exists() for path in row["videos"].values())


def test_energy_is_in_the_record_where_the_machine_tells(band, tmp_path, case_cache, monkeypatch):
    readings = iter(range(1000))
    monkeypatch.setattr(EnergyMeter, "parts", ["package-0"])
    monkeypatch.setattr(EnergyMeter, "_read", lambda self: [(next(readings) * 10**6, 10**12)])
    run(band, tmp_path / "told", band.Faulty([], "raise"), case_cache, limit=2, controls=[])
    told = read_json(tmp_path / "told" / "record.json")["environment"]
    assert told["energy_of"] == ["package-0"]
    assert told["energy_j"] == next(readings) - 1 > 0

    monkeypatch.setattr(EnergyMeter, "_read", lambda self: None)
    run(band, tmp_path / "untold", band.Faulty([], "raise"), case_cache, limit=2, controls=[])
    assert "energy_j" not in read_json(tmp_path / "untold" / "record.json")["environment"]
