"""Controls are played once for all simulators, and again when anything that they come from has changed."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from evals import control_answers, runner
from evals.run import evaluate
from worldsim.core.records import read_rows

LIMIT = 4


@pytest.fixture
def asked(band, tmp_path, monkeypatch):
    """Evaluates a simulator, into a folder, and says who was asked to dream."""
    seen = []

    def dream(simulator, cases, seed):
        seen.append(simulator.name)
        return dream_really(simulator, cases, seed)

    dream_really = runner.dream
    monkeypatch.setattr(runner, "dream", dream)

    def ask(name, simulator):
        seen.clear()
        cache = tmp_path / "cache"
        evaluate(
            [(simulator, "model")], ["control"], [(band.ENV_ID, {})], tmp_path / name, LIMIT, videos=0, cache=cache
        )
        return set(seen)

    return ask


def controls_in(folder: Path):
    rows = read_rows(folder / "rows.jsonl")
    return {row["key"]: row for row in rows if row["role"] != "model"}


def test_another_simulator_finds_what_controls_did(asked, band, tmp_path):
    assert {"noisy", "oracle", "last_frame"} <= asked("one", band.Noisy())
    assert asked("two", band.Noisy(version=2)) == {"noisy"}
    assert controls_in(tmp_path / "one")
    assert controls_in(tmp_path / "one") == controls_in(tmp_path / "two")


def test_controls_play_again_when_the_code_is_another_or_a_file_is_damaged(asked, band, tmp_path, monkeypatch):
    everybody = asked("one", band.Noisy())
    files = sorted((tmp_path / "cache" / "controls-control").glob("*.json"))
    files[0].write_text(files[0].read_text()[:100])
    again = asked("two", band.Noisy(version=2))
    assert len(again) == 2
    assert asked("three", band.Noisy(version=3)) == {"noisy"}
    monkeypatch.setattr(control_answers, "_our_code", lambda: "another")
    assert asked("four", band.Noisy(version=4)) == everybody


def test_what_failed_is_tried_again(asked, band, monkeypatch, tmp_path):
    from evals.controls.last_frame import LastFrame

    def broken(*_):
        raise RuntimeError("out of order")

    with monkeypatch.context() as patch:
        patch.setattr(LastFrame, "reset", broken)
        asked("one", band.Noisy())
    assert {row["status"] for row in controls_in(tmp_path / "one").values()} == {"completed", "failed"}
    assert asked("two", band.Noisy(version=2)) == {"noisy", "last_frame"}


def test_what_is_in_no_file_is_not_kept(asked, band, monkeypatch):
    """A suite of a notebook may change from one cell to the next."""

    def nowhere(one):
        raise TypeError(f"{one} is a built-in class")

    monkeypatch.setattr(control_answers, "inspect", SimpleNamespace(getfile=nowhere))
    assert asked("one", band.Noisy()) == asked("two", band.Noisy(version=2))
