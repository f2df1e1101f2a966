"""Training on real recordings: the recipes learn, and a run killed at any moment ends in the same bits."""

import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from small_runs import VAE_CONFIG

from worldsim.core.errors import DamagedFileError, WorldsimError
from worldsim.core.records import read_json, read_rows
from worldsim.training.loop import Trainer
from worldsim.training.memory import memory_errors_named
from worldsim.training.vae import VAETrainConfig, train_vae


def trace(run: Path) -> list[dict]:
    return read_rows(run / "rows.jsonl")


def test_the_autoencoder_learns(vae_run):
    rows = trace(vae_run)
    assert [row["step"] for row in rows] == list(range(10, 81, 10))
    assert rows[-1]["loss"] < 0.9 * rows[0]["loss"]


def test_the_record_says_what_was_trained(simulator_run):
    record = read_json(simulator_run / "record.json")
    assert record["kind"] == "train"
    assert record["completed"] == record["planned"] == 80
    assert record["model"]["train_flops"] > 0
    config = read_json(simulator_run / "config.json")
    assert config["env_ids"] == ["voxel/arena"]
    assert config["train_flops"] == record["model"]["train_flops"]


def test_the_checkpoint_loads_and_dreams(simulator_run, recording):
    from worldsim.core.types import Context
    from worldsim.data.store import EpisodeTable
    from worldsim.simulators import load

    simulator = load(simulator_run)
    frames, actions, _, _ = EpisodeTable.open(str(recording)).read_clip(0, 0, 5)
    state = simulator.reset([Context(frames, actions)], [""], [7])
    _, prediction = simulator.step(state, actions[:1])
    assert prediction.frames.shape == (1, 64, 64, 3)
    assert 0 <= prediction.termination_prob[0] <= 1


# Runs a recipe in a process of its own, which is killed a few steps and a random part of a step after it began.
SCRIPT = """
import os, signal, sys, threading
sys.path.insert(0, {folder!r})
import small_runs
from pathlib import Path
from worldsim.training.loop import Trainer
from worldsim.training.simulator import train_simulator
from worldsim.training.vae import train_vae
data, vae, out = map(Path, sys.argv[2:5])
steps_left, delay_s = int(sys.argv[5]), float(sys.argv[6])
one_step = Trainer.one_step
def counted(self):
    global steps_left
    steps_left -= 1
    if steps_left == 0:
        threading.Timer(delay_s, os.kill, (os.getpid(), signal.SIGKILL)).start()
    return one_step(self)
Trainer.one_step = counted
if sys.argv[1] == "vae":
    train_vae(small_runs.VAE_CONFIG, [data], out)
else:
    train_simulator(small_runs.SIMULATOR_CONFIG, [data], vae, out)
"""
KILLS = 5


def run_and_kill(recipe: str, data: Path, vae: Path, out: Path) -> None:
    """Kill -9 the recipe's process at ``KILLS`` random moments of its training, then let it end."""
    rng = random.Random(recipe)
    command = [sys.executable, "-c", SCRIPT.format(folder=str(Path(__file__).parent)), recipe, data, vae, out]
    for _ in range(KILLS):
        killed = subprocess.run([*command, str(rng.randint(2, 8)), str(rng.random() * 0.02)], capture_output=True)
        assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    last = subprocess.run([*command, "0", "0"], capture_output=True, text=True)
    assert last.returncode == 0, last.stderr


def assert_same_run(a: Path, b: Path, weights: str) -> None:
    assert trace(a) == trace(b)
    one, other = load_file(a / weights), load_file(b / weights)
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_a_killed_autoencoder_run_ends_in_the_same_bits(recording, vae_run, tmp_path):
    run_and_kill("vae", recording, vae_run, tmp_path / "vae")
    assert_same_run(vae_run, tmp_path / "vae", "vae.safetensors")


def test_a_killed_simulator_run_ends_in_the_same_bits(recording, vae_run, simulator_run, tmp_path):
    run_and_kill("simulator", recording, vae_run, tmp_path / "sim")
    assert_same_run(simulator_run, tmp_path / "sim", "dit.safetensors")


def test_other_settings_on_the_same_folder_are_refused(recording, vae_run):
    import dataclasses

    with pytest.raises(WorldsimError, match="other settings"):
        train_vae(dataclasses.replace(VAE_CONFIG, lr=0.5), [recording], vae_run)


def test_a_run_that_diverges_stops_and_says_so(recording, tmp_path):
    import dataclasses

    with pytest.raises(WorldsimError, match="diverged at step"):
        train_vae(dataclasses.replace(VAE_CONFIG, lr=1e12, warmup=1), [recording], tmp_path, progress=lambda line: None)


def test_a_damaged_state_is_named(recording, tmp_path):
    import dataclasses

    config = dataclasses.replace(VAE_CONFIG, steps=10)
    train_vae(config, [recording], tmp_path, progress=lambda line: None)
    state = tmp_path / "state.safetensors"
    state.write_bytes(state.read_bytes()[:1000])
    with pytest.raises(DamagedFileError, match=r"state\.safetensors"):
        train_vae(config, [recording], tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"steps": 0}, "steps=0"),
        ({"optimizer": "sgd"}, "'sgd'"),
        ({"precision": "fp8"}, "'fp8'"),
        ({"ema": 1.0}, "ema"),
    ],
)
def test_bad_settings_name_the_value(change, message):
    with pytest.raises(WorldsimError, match=message):
        VAETrainConfig(**change)


def test_a_simulator_trains_in_pixels_and_goes_on(recording, tmp_path):
    """Without an autoencoder's file: the pixels' statistics are measured once and kept with the run."""
    from dataclasses import replace

    from small_runs import SIMULATOR_CONFIG

    from worldsim.simulators import load
    from worldsim.training.simulator import train_simulator

    config = replace(SIMULATOR_CONFIG, steps=10)
    train_simulator(config, [recording], "pixels", tmp_path / "run")
    train_simulator(replace(config, steps=20), [recording], "pixels", tmp_path / "run")
    assert read_json(tmp_path / "run" / "record.json")["completed"] == 20
    simulator = load(tmp_path / "run", precision="float32")
    black = torch.zeros(1, 64, 64, 3, dtype=torch.uint8).numpy()
    assert (simulator.reconstruct(black) == 0).all()
    assert (simulator.vae.pixel_std != 0.5).all(), "measured, not assumed"


def test_a_run_that_explodes_stops_before_its_numbers_overflow_and_keeps_the_last_good_state(
    recording, vae_run, tmp_path
):
    import dataclasses

    from small_runs import SIMULATOR_CONFIG

    from worldsim.training.simulator import train_simulator

    good = dataclasses.replace(SIMULATOR_CONFIG, steps=20)
    train_simulator(good, [recording], vae_run, tmp_path / "good", progress=lambda line: None)
    # The same run, whose weights are pushed far off after its last good state.
    longer = dataclasses.replace(good, steps=60)
    one_step, steps = Trainer.one_step, iter(range(10**6))

    def pushed(self):
        if next(steps) == 3:
            with torch.no_grad():
                self.model.unembed.weight += 30.0
        return one_step(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Trainer, "one_step", pushed)
        with pytest.raises(WorldsimError, match=r"diverged at step 30: loss .* at first it was .*; lower lr=0.001"):
            train_simulator(longer, [recording], vae_run, tmp_path / "good", progress=lambda line: None)
    assert int(load_file(tmp_path / "good" / "state.safetensors")["step"]) == 20


def test_a_batch_that_no_memory_holds_says_what_to_lower(recording, vae_run, tmp_path):
    import dataclasses

    from small_runs import SIMULATOR_CONFIG

    from worldsim.training.simulator import train_simulator

    config = dataclasses.replace(SIMULATOR_CONFIG, batch=10**15)
    with pytest.raises(WorldsimError, match=r"out of memory in step 0 of .*: lower batch=1000000000000000, frames=4"):
        train_simulator(config, [recording], vae_run, tmp_path, progress=lambda line: None)


@pytest.mark.parametrize(
    "fail",
    [
        lambda: torch.empty(2**55),
        lambda: (_ for _ in ()).throw(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GiB")),
    ],
    ids=["CPU", "CUDA"],
)
def test_failed_allocations_of_torch_are_told_from_other_errors(fail):
    with (
        pytest.raises(WorldsimError, match=r"out of memory here: lower batch=4. \(.*"),
        memory_errors_named("here", "batch=4"),
    ):
        fail()
    with pytest.raises(RuntimeError, match="must match"), memory_errors_named("here", "batch=4"):
        torch.zeros(2) + torch.zeros(3)
