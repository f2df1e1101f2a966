"""Several dreams of a scenario: a row for each, nested in it wherever numbers are made of them."""

import numpy as np
import pytest

from evals.run import evaluate
from worldsim.core.records import read_json, read_rows

LIMIT, SEEDS = 5, 3


def run(band, out, cache, **changes):
    arguments = {"limit": LIMIT, "seeds": SEEDS, "videos": 1, "batch": 4, "controls": ["oracle", "last_frame"]}
    return evaluate([(band.Noisy(), "model")], ["drift"], [(band.ENV_ID, {})], out, cache=cache, **arguments | changes)


@pytest.fixture(autouse=True)
def short_drift(monkeypatch):
    from evals.suites.drift import DriftSuite

    whole = DriftSuite.__init__
    monkeypatch.setattr(
        DriftSuite, "__init__", lambda self, **kw: whole(self, **{"horizon": 8, "independent_episodes": 2} | kw)
    )


def test_every_seed_has_a_row_and_controls_need_but_one(band, tmp_path, case_cache):
    summary = run(band, tmp_path, case_cache)
    rows = read_rows(tmp_path / "rows.jsonl")
    ours = [row for row in rows if row["simulator"] == "noisy"]
    assert sorted((row["scenario"][-4:], row["seed"]) for row in ours) == [
        (f"{scenario:04d}", seed) for scenario in range(LIMIT) for seed in range(SEEDS)
    ]
    assert len({row["key"] for row in rows}) == len(rows) == LIMIT * (SEEDS + 2)
    assert [row["seed"] for row in ours if row["videos"]] == [0]
    dreams = {row["seed"]: row["values"]["psnr@1"] for row in ours if row["scenario"].endswith("0002")}
    assert len(set(dreams.values())) == SEEDS  # dreams of their own
    (part,) = summary["suites"]
    noisy = next(one for one in part["simulators"] if one["simulator"] == "noisy")
    assert (noisy["planned"], noisy["completed"], noisy["coverage"]) == (LIMIT * SEEDS, LIMIT * SEEDS, 1)
    assert noisy["metrics"]["psnr@1"]["n"] == LIMIT  # more seeds are not more scenarios
    by_scenario = [
        np.mean([row["values"]["psnr@1"] for row in ours if row["scenario"][-1] == str(i)]) for i in range(5)
    ]
    assert noisy["metrics"]["psnr@1"]["mean"] == pytest.approx(np.mean(by_scenario))
    assert read_json(tmp_path / "record.json")["seeds"] == {"eval": 0, "per_scenario": SEEDS}


def test_more_seeds_go_on_from_fewer(band, tmp_path, case_cache):
    run(band, tmp_path / "grown", case_cache, seeds=1)
    first = read_rows(tmp_path / "grown" / "rows.jsonl")
    run(band, tmp_path / "grown", case_cache)
    run(band, tmp_path / "whole", case_cache)
    grown, whole = (read_rows(tmp_path / name / "rows.jsonl") for name in ("grown", "whole"))
    assert grown[: len(first)] == first
    values = [sorted((row["key"], str(row["values"])) for row in rows) for rows in (grown, whole)]
    assert values[0] == values[1]
    assert read_json(tmp_path / "grown" / "summary.json") == read_json(tmp_path / "whole" / "summary.json")


def test_the_second_seed_is_the_first_of_another_run(band, tmp_path, case_cache):
    run(band, tmp_path / "three", case_cache)
    run(band, tmp_path / "later", case_cache, seed=1, seeds=1)
    three = {row["key"]: row["values"] for row in read_rows(tmp_path / "three" / "rows.jsonl")}
    later = [row for row in read_rows(tmp_path / "later" / "rows.jsonl") if row["simulator"] == "noisy"]
    assert len(later) == LIMIT
    assert all(three[row["key"]] == row["values"] for row in later)
