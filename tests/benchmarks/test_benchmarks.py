"""Every benchmark runs, prints its table and writes figures that make sense; how fast this machine is, no test says."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"


def run(script: str, out: Path, *arguments: str) -> dict:
    command = [sys.executable, FOLDER / f"{script}.py", "--json", out, *arguments]
    finished = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    assert finished.returncode == 0, finished.stderr
    assert "---" in finished.stdout  # a table
    return json.loads(out.read_text())


def test_games(tmp_path):
    results = run("envs", tmp_path / "envs.json", "--seconds", "0.3", "--any-core")["results"]
    rows = results["games"] if isinstance(results, dict) else results
    assert {"voxel/arena", "doom/my_way_home", "physics/pour"} <= {row["game"] for row in rows}
    assert all(row["fps"] > 0 for row in rows)


def test_clip_readers(tmp_path):
    arguments = ["--seconds", "0.3", "--episodes", "2", "--workers", "1"]
    results = run("data", tmp_path / "data.json", *arguments)["results"]
    assert len(results) == 5
    assert all(reader["fps"] > 0 and reader["megabytes"] > 0 for reader in results.values())


def test_training(tmp_path):
    results = run("training", tmp_path / "training.json", "--seconds", "0.1", "--scales", "base", "--compute", "1e12")[
        "results"
    ]
    for figures in results.values():
        assert 0 < figures["share_of_peak"] < 1
        assert figures["gemm_peak_gflops"] > figures["model_gflops"]


def test_packing(tmp_path):
    results = run("packing", tmp_path / "packing.json", "--seconds", "0.1")["results"]
    packing = results["packing"]
    assert packing["ratio"] > 1
    assert packing["useful_tokens"] < packing["padded_tokens"]
    for rows in results["dropping"].values():
        shares = [row["repeated"] for row in rows]
        assert shares == sorted(shares)
        assert 0 < shares[-1] < 1


@pytest.mark.parametrize("checkpoint", ["voxel-base", "doom-base"])
def test_rollout(tmp_path, checkpoint):
    arguments = ["--checkpoint", checkpoint, "--streams", "1", "2", "--frames", "20", "--long", "400"]
    results = run("rollout", tmp_path / "rollout.json", *arguments)["results"]
    assert results["streams"]["1"]["frames_per_s"] > 0
    parts = results["streams"]["1"]
    assert parts["network_ms"] > 0
    assert parts["decode_ms"] > 0
    assert 0 < parts["share_of_limit"] < 1
    assert results["long"]["ratio"] > 0


def test_eval(tmp_path):
    results = run("eval", tmp_path / "eval.json", "--suites", "control", "--limit", "2")["results"]
    for figures in results["control"].values():
        assert figures["model_s"] > 0
        assert 0 < figures["overhead"] < 1
