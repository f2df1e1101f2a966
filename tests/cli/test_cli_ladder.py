"""A whole ladder, small: what it leaves, that it goes on, and that kill -9 changes nothing."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from worldsim.cli.main import main
from worldsim.core.records import RunRecord, file_hash, read_json, read_rows

SCALES, SUITES = ("base", "4x"), ("control", "drift")
WORDS = (
    "ladder", "compute=4e10", "episodes=3", "max_steps=60", "scales=[base,4x]", "suites=[control,drift]", "limit=2",
    "controls=[oracle,last_frame]", "videos=1", "threads=1",
)  # fmt: skip
OF_A_RUN = ("seconds", "started_utc", "finished_utc", "resumed", "environment")
OF_A_RUN += ("wall_s", "model_s", "control_s", "game_s", "harness_s")
KILLS = 10


@pytest.fixture(scope="module")
def ladder(shell_in, tmp_path_factory) -> Path:
    """The folder in which a ladder was run without interruption."""
    shell = shell_in(tmp_path_factory.mktemp("ladder"))
    done = shell(*WORDS)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "runs/ladder/report.html"
    assert "for the rest" in done.stderr
    return shell.folder


def test_a_ladder_leaves_runs_checkpoints_evaluations_and_a_report(ladder):
    out = ladder / "runs" / "ladder"
    record = RunRecord.read(out)
    assert record.completed == record.planned == 2 + 2 * len(SCALES) + len(SCALES) * len(SUITES) + 1
    autoencoders = {file_hash(out / scale / "model" / "vae.safetensors") for scale in SCALES}
    assert len(autoencoders) == 1
    flops = {}
    for scale in SCALES:
        config = read_json(out / scale / "model" / "config.json")
        flops[scale] = config["train_flops"]
        assert config["steps"] == 1
        assert set(read_json(out / scale / "model" / "training.json")) == {"vae", "simulator"}
        assert read_rows(out / scale / "train" / "rows.jsonl")
    assert flops["4x"] == pytest.approx(4 * flops["base"], rel=0.1)
    page = (out / "report.html").read_text()
    assert all(f">{scale}<" in page for scale in SCALES)


def test_the_scales_answer_the_same_scenarios_from_the_same_noise(ladder):
    asked = {
        scale: {
            (row["suite"], row["scenario_hash"], row["seed"])
            for suite in SUITES
            for row in read_rows(ladder / "runs" / "ladder" / scale / "eval" / suite / "rows.jsonl")
            if row["role"] == "model"
        }
        for scale in SCALES
    }
    assert len(asked["base"]) == 2 * len(SUITES)
    assert asked["base"] == asked["4x"]


def test_a_finished_ladder_does_nothing_again_and_refuses_other_settings(shell_in, ladder):
    shell = shell_in(ladder)
    report = ladder / "runs" / "ladder" / "report.html"
    before = report.stat().st_mtime_ns
    done = shell(*WORDS)
    assert done.returncode == 0, done.stderr
    assert report.stat().st_mtime_ns == before
    message = shell.refuses(*WORDS, "compute=5e10")
    assert "holds a ladder with other compute" in message


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["compute=0"], "compute=0 must be positive"),
        (["scales=[base,16x]"], "unknown scale '16x'"),
        (["suites=[contol]"], "Did you mean 'control'"),
        (["limit=0"], "limit=0"),
        (["data=nowhere.lance"], "no recorded table at nowhere.lance"),
        (["policy=explora"], "Did you mean 'explorer'"),
        (["vae=nowhere"], "there is no autoencoder 'nowhere'"),
        (["device=cuda:97"], "device='cuda:97' cannot be used here"),
    ],
)
def test_bad_input_is_told_before_anything_is_computed(words, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["ladder", *words]) == 2
    assert message in capsys.readouterr().err
    assert not any(tmp_path.iterdir())


def test_a_compute_too_small_for_a_step_says_so(shell, ladder):
    data = ladder / "runs" / "ladder" / "data" / "train.lance"
    assert "is less than one step" in shell.refuses("ladder", "compute=1e6", f"data={data}")


@pytest.mark.slow
def test_a_ladder_killed_at_random_moments_is_the_same_ladder(shell, ladder, tmp_path):
    rng = random.Random(0)
    command = [sys.executable, "-m", "worldsim.cli", *WORDS]
    killed = 0
    while killed < KILLS:
        process = subprocess.Popen(command, cwd=tmp_path, env=shell.env, stderr=subprocess.DEVNULL)
        try:
            process.wait(rng.uniform(2, 12))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            killed += 1
        else:
            break
    done = shell(*WORDS)
    assert done.returncode == 0, done.stderr
    assert killed >= KILLS // 2, f"the ladder ended after {killed} kills"
    one, other = ladder / "runs" / "ladder", tmp_path / "runs" / "ladder"
    files = {path.relative_to(one) for path in one.rglob("*") if path.suffix in (".jsonl", ".json", ".safetensors")}
    assert len(files) > 30
    for file in sorted(files):
        if file.suffix == ".safetensors":
            a, b = load_file(one / file), load_file(other / file)
            assert all(name == "wall_s" or torch.equal(a[name], b[name]) for name in a | b), file
        elif file.suffix == ".jsonl":
            rows = [sorted(map(str, map(timeless, read_rows(folder / file)))) for folder in (one, other)]
            assert rows[0] == rows[1], file
        else:
            assert timeless(read_json(one / file)) == timeless(read_json(other / file)), file


def timeless(value: Any) -> Any:
    """Without times, and without what tells that it was resumed."""
    if isinstance(value, dict):
        return {key: timeless(part) for key, part in value.items() if key not in OF_A_RUN}
    return [timeless(part) for part in value] if isinstance(value, list) else value
