"""What can be watched of a run: tracker, sample videos, energy; none of it changes what is trained."""

import sys
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from small_runs import SIMULATOR_CONFIG

from worldsim.core.energy import EnergyMeter
from worldsim.core.errors import WorldsimError
from worldsim.core.records import read_json, read_rows
from worldsim.core.video import read_video
from worldsim.training.simulator import train_simulator

SHORT = replace(SIMULATOR_CONFIG, steps=20)


@pytest.fixture(scope="module")
def unwatched(recording, vae_run, tmp_path_factory):
    return train_simulator(
        SHORT, [recording], vae_run, tmp_path_factory.mktemp("unwatched"), progress=lambda line: None
    )


def test_a_watched_run_is_the_same_to_the_bit(recording, vae_run, unwatched, tmp_path):
    said: list[str] = []
    watched = replace(SHORT, tracker="tensorboard", samples=5)
    train_simulator(watched, [recording], vae_run, tmp_path, progress=said.append)
    assert read_rows(tmp_path / "rows.jsonl") == read_rows(unwatched / "rows.jsonl")
    ours, theirs = load_file(tmp_path / "dit.safetensors"), load_file(unwatched / "dit.safetensors")
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)

    # The recording on the left, its dream on the right: the same in the four frames that were given.
    assert sorted(path.name for path in (tmp_path / "samples").iterdir()) == ["step_000010.mp4", "step_000020.mp4"]
    frames, _ = read_video(tmp_path / "samples" / "step_000020.mp4")
    assert frames.shape == (9, 3 * 64, 2 * 3 * 64, 3)
    apart = np.abs(frames[:, :, : 3 * 64].astype(int) - frames[:, :, 3 * 64 :]).mean((1, 2, 3))
    assert apart[:4].max() < 2 < apart[4:].min()

    steps = [line for line in said if line.startswith("step ")]
    assert len(steps) == 2
    assert all("tokens/s" in line and "% of the GEMM peak" in line for line in steps)

    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    losses = [row["loss"] for row in read_rows(tmp_path / "rows.jsonl")]
    assert [(event.step, event.value) for event in events.Scalars("loss")] == [
        (10, pytest.approx(losses[0])),
        (20, pytest.approx(losses[1])),
    ]
    assert 0 < events.Scalars("share_of_peak")[0].value < 1
    assert len(events.Images("sample")) == 2


def test_another_tracker_goes_on_with_the_same_run_and_wandb_is_asked_by_name(
    recording, vae_run, unwatched, tmp_path, monkeypatch
):
    """On a module that records its calls: no account is at hand."""
    calls: list[tuple] = []
    run = SimpleNamespace(
        log=lambda values, step: calls.append((step, sorted(values))), finish=lambda: calls.append(("finish",))
    )
    fake = SimpleNamespace(
        init=lambda **told: calls.append(("init", told["project"])) or run, Image=lambda image: image
    )
    monkeypatch.setitem(sys.modules, "wandb", fake)
    config = replace(SHORT, steps=10, samples=3)
    train_simulator(config, [recording], vae_run, tmp_path, progress=lambda line: None)
    assert calls == []
    longer = replace(config, steps=20, tracker="wandb")
    train_simulator(longer, [recording], vae_run, tmp_path, progress=lambda line: None)
    assert calls[0] == ("init", "worldsim")
    assert calls[1][0] == 20
    assert {"loss", "lr", "tokens_per_s", "share_of_peak"} <= set(calls[1][1])
    assert calls[2:] == [(20, ["sample"]), ("finish",)]


@pytest.mark.parametrize(("tracker", "package"), [("tensorboard", "torch.utils.tensorboard"), ("wandb", "wandb")])
def test_a_missing_package_is_a_hint_and_no_failure(recording, vae_run, tmp_path, monkeypatch, tracker, package):
    monkeypatch.setitem(sys.modules, package, None)
    said: list[str] = []
    config = replace(SHORT, steps=10, tracker=tracker)
    train_simulator(config, [recording], vae_run, tmp_path, progress=said.append)
    hints = [line for line in said if "pip install" in line]
    assert len(hints) == 1
    assert f"tracker={tracker} needs {tracker}, which is not installed" in hints[0]
    assert len(read_rows(tmp_path / "rows.jsonl")) == 1


def test_energy_is_in_the_record_where_the_machine_tells(recording, vae_run, tmp_path, monkeypatch):
    readings = iter(range(1000))
    monkeypatch.setattr(EnergyMeter, "parts", ["package-0"])
    monkeypatch.setattr(EnergyMeter, "_read", lambda self: [(next(readings) * 10**6, 10**12)])
    config = replace(SHORT, steps=10)
    train_simulator(config, [recording], vae_run, tmp_path, progress=lambda line: None)
    first = read_json(tmp_path / "record.json")["model"]
    assert first["energy_j"] == 2  # read at the line of progress and at the save, a joule each
    assert first["energy_of"] == ["package-0"]
    train_simulator(replace(config, steps=20), [recording], vae_run, tmp_path, progress=lambda line: None)
    assert read_json(tmp_path / "record.json")["model"]["energy_j"] == 4

    monkeypatch.setattr(EnergyMeter, "_read", lambda self: None)
    train_simulator(replace(config, steps=30), [recording], vae_run, tmp_path, progress=lambda line: None)
    assert "energy_j" not in read_json(tmp_path / "record.json")["model"]


def test_an_unknown_tracker_is_named():
    with pytest.raises(WorldsimError, match="tracker='comet' is not known; use tensorboard, wandb, none"):
        replace(SHORT, tracker="comet")
