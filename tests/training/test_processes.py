"""One run in two gloo processes, started by torchrun as a user would: it is the run of one process up to rounding."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from small_runs import SIMULATOR_CONFIG

from worldsim.core.records import read_json, read_rows
from worldsim.training.simulator import train_simulator

HERE = Path(__file__).parent
TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
# Joint clips of which a process may have none, and large steps that only one process may have.
CONFIG = replace(
    SIMULATOR_CONFIG, steps=10, precision="float32", joint_batch=2, joint_groups=2, joint_frames=5,
    joint_least_frames=3, shortcut_share=0.4, own_context_share=0.4,
)  # fmt: skip
# Measured here: losses 2e-7, weights 6e-5. Weights are apart by more than losses, because Muon multiplies in bfloat16,
# and AdamW makes full steps of gradients that are nothing but rounding.
LOSS_TOLERANCE, WEIGHT_TOLERANCE = 1e-5, 1e-3

SCRIPT = """
import sys
sys.path.insert(0, {folder!r})
from dataclasses import replace
from pathlib import Path
from test_processes import CONFIG
from worldsim.training.processes import joined
from worldsim.training.simulator import train_simulator
data, vae, out = map(Path, sys.argv[1:4])
with joined():
    train_simulator(CONFIG, [data], vae, out / "two")
    train_simulator(replace(CONFIG, steps=20), [data], vae, out / "one then two")
"""


def quietly(line: str) -> None: ...


def assert_same_run(one: Path, two: Path, file: str) -> None:
    """Up to the tolerances; weights by their distance over their length."""
    for ours, theirs in zip(read_rows(one / "rows.jsonl"), read_rows(two / "rows.jsonl"), strict=True):
        assert ours.keys() == theirs.keys()
        assert ours["step"] == theirs["step"]
        assert ours["loss"] == pytest.approx(theirs["loss"], rel=LOSS_TOLERANCE)
    ours, theirs = load_file(one / file), load_file(two / file)
    assert ours.keys() == theirs.keys()
    names = [name for name in ours if name.startswith(("model.", "ema.")) or file != "state.safetensors"]
    a, b = (torch.cat([x[name].double().flatten() for name in names]) for x in (ours, theirs))
    assert 0 < (a - b).norm() / a.norm() < WEIGHT_TOLERANCE


def test_two_processes_train_what_one_does_and_go_on_from_each_other(recording, vae_run, tmp_path):
    one = train_simulator(CONFIG, [recording], vae_run, tmp_path / "one", progress=quietly)
    train_simulator(CONFIG, [recording], vae_run, tmp_path / "one then two", progress=quietly)
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.format(folder=str(HERE)))
    done = subprocess.run([*TORCHRUN, script, recording, vae_run, tmp_path], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("step 10/10") == 1, "process 0 alone prints"

    assert_same_run(one, tmp_path / "two", "dit.safetensors")
    assert_same_run(one, tmp_path / "two", "state.safetensors")
    assert read_json(tmp_path / "two" / "config.json") == read_json(one / "config.json")

    longer = replace(CONFIG, steps=20)
    train_simulator(longer, [recording], vae_run, one, progress=quietly)
    train_simulator(longer, [recording], vae_run, tmp_path / "two", progress=quietly)
    assert_same_run(one, tmp_path / "two", "dit.safetensors")
    assert_same_run(one, tmp_path / "one then two", "dit.safetensors")
    assert read_json(tmp_path / "one then two" / "record.json")["completed"] == 20


def command(recording: Path, vae: Path, out: Path, *settings: str) -> list[str | Path]:
    sizes = ["batch=2", "frames=4", "dim=32", "depth=2", "heads=2", "window=3", "save_every=10", "threads=1"]
    given = ["recipe=simulator", f"data={recording}", f"vae={vae}", f"out={out}"]
    return [*TORCHRUN, "-m", "worldsim.cli", "train", *given, *sizes, *settings]


def test_what_stops_all_processes_is_said_once(recording, vae_run, tmp_path):
    asked = command(recording, vae_run, tmp_path, "batch=3")
    done = subprocess.run(asked, capture_output=True, text=True)
    assert done.returncode != 0
    said = [line for line in done.stderr.splitlines() if line.startswith("worldsim:")]
    assert said == [
        "worldsim: batch=3 cannot be divided among 2 processes; choose batch=4, or as many processes as divide 3."
    ]


@pytest.mark.slow
def test_a_run_whose_process_was_killed_goes_on(recording, vae_run, tmp_path):
    asked = command(recording, vae_run, tmp_path / "run", "steps=2000")
    started = subprocess.Popen(asked, stderr=subprocess.PIPE, text=True)
    while not (tmp_path / "run" / "state.safetensors").exists():
        assert started.poll() is None
        time.sleep(0.1)
    children = Path(f"/proc/{started.pid}/task/{started.pid}/children").read_text().split()
    os.kill(int(children[1]), signal.SIGKILL)
    _, told = started.communicate(timeout=120)
    assert started.returncode != 0
    said = [line for line in told.splitlines() if line.startswith("worldsim:")]
    assert all("lost another one" in line for line in said)  # none where torchrun was first to end the other process
    assert len(said) <= 1
    step = json.loads((tmp_path / "run" / "record.json").read_text())["completed"]
    asked = command(recording, vae_run, tmp_path / "run", f"steps={step + 10}")
    done = subprocess.run(asked, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert read_json(tmp_path / "run" / "record.json")["completed"] == step + 10
