"""What the models cost and how their losses fell, read from the records of the checkpoints that we ship."""

import base64
import csv
import io
import json
import re
import shutil

import numpy as np
import pytest

from reports.cost import costs
from reports.html import write_report
from reports.runs import load_runs
from reports.training import find_stages, is_training, load_stages, loss_series
from worldsim.core.errors import DamagedFileError
from worldsim.simulators.checkpoints import SHIPPED, find_checkpoint

FOLDERS = {name: SHIPPED / name for name in ("voxel-base", "voxel-text")}
CHECKPOINTS = {find_checkpoint(folder).hash: folder for folder in FOLDERS.values()}


def records(name):
    return json.loads((FOLDERS[name] / "training.json").read_text())


def csv_rows(text, name):
    data = re.search(rf'download="{name}" href="data:text/csv;charset=utf-8;base64,([^"]+)"', text)[1]
    return list(csv.DictReader(io.StringIO(base64.b64decode(data).decode())))


@pytest.fixture(scope="module")
def text(shipped, tmp_path_factory):
    return write_report(shipped, tmp_path_factory.mktemp("cost") / "report.html", checkpoints=CHECKPOINTS).read_text()


def test_cost_is_that_of_the_records_in_the_checkpoints(text):
    lines = csv_rows(text, "costs.csv")
    assert {line["model"] for line in lines} == set(FOLDERS)
    flops = [float(line["train_flops"]) for line in lines]
    assert flops == sorted(flops)
    for line in lines:
        stages = records(line["model"])
        assert float(line["train_s"]) == pytest.approx(sum(record["wall_s"] for record in stages.values()))
        vae = sum(record["model"]["train_flops"] for part, record in stages.items() if part.startswith("vae"))
        assert float(line["autoencoder_flops"]) == pytest.approx(vae)
        assert line["energy_j"] == ""
    assert re.search(r"<td>not known</td>", text)  # the energy


def test_losses_are_those_of_the_traces(text):
    rows = csv_rows(text, "training.csv")
    told = [row for row in rows if "voxel-base" in row["models"] and row["part"].startswith("simulator")]
    trace = [line for part, record in records("voxel-base").items() if part.startswith("simulator")
             for line in record["loss_trace"]]  # fmt: skip
    assert [float(row["loss"]) for row in told] == [line["loss"] for line in trace]
    assert '<b class="name">network</b>' in text
    assert '<b class="name">autoencoder</b>' in text


def test_a_line_of_losses_spends_the_compute_of_its_stages(shipped):
    stages = find_stages(load_runs(shipped), [], CHECKPOINTS)
    by_name = {line.name: line for line in loss_series(stages, "simulator")}
    assert set(by_name) == set(FOLDERS)
    for name, line in by_name.items():
        own = [r for part, r in records(name).items() if part.startswith("simulator")]
        assert line.points[-1].x == pytest.approx(sum(r["model"]["train_flops"] for r in own), rel=0.1)
        assert [p.x for p in line.points] == sorted(p.x for p in line.points)
        traced = [row["loss"] for record in own for row in record["loss_trace"]]
        assert min(traced) <= min(p.mean for p in line.points) < np.mean(traced) < max(p.mean for p in line.points)


def test_energy_is_told_where_every_stage_has_it(shipped, tmp_path):
    folder = tmp_path / "voxel-base"
    shutil.copytree(FOLDERS["voxel-base"], folder)
    stages = records("voxel-base")
    for record in stages.values():
        record["model"]["energy_j"] = 7200.0
    (folder / "training.json").write_text(json.dumps(stages))
    runs = load_runs(shipped)
    found = {
        cost.label: cost
        for cost in costs(runs, find_stages(runs, [], CHECKPOINTS | {find_checkpoint(folder).hash: folder}))
    }
    assert found["voxel-base"].energy_j == 7200.0 * len(stages)
    assert found["voxel-text"].energy_j is None


def test_a_training_run_among_the_runs_adds_its_losses_to_the_model_on_its_path(shipped, tmp_path):
    record = next(iter(records("voxel-base").values()))
    trace = record.pop("loss_trace")
    for name in ("voxel-base", "elsewhere"):
        folder = tmp_path / name / "train"
        folder.mkdir(parents=True)
        (folder / "record.json").write_text(json.dumps({**record, "started_utc": name}))
        (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in trace))
    given = [tmp_path / name / "train" for name in ("voxel-base", "elsewhere")]
    assert all(map(is_training, given))
    found = find_stages(load_runs(shipped), given, {})
    assert [stage.models for stage in found] == [("voxel-base",), ("elsewhere",)]
    text = write_report([*shipped, *given], tmp_path / "report.html").read_text()
    assert {row["models"] for row in csv_rows(text, "training.csv")} == {"voxel-base", "elsewhere"}


def test_the_longer_trace_of_one_run_stays(tmp_path):
    packed = load_stages(FOLDERS["voxel-base"])
    folder = tmp_path / "again"
    folder.mkdir()
    longer = records("voxel-base")
    first = next(iter(longer))
    longer[first]["loss_trace"] = longer[first]["loss_trace"] * 2
    (folder / "training.json").write_text(json.dumps(longer))
    found = find_stages([], [FOLDERS["voxel-base"], folder], {})
    assert len(found) == len(packed)
    assert len(found[0].trace) == 2 * len(packed[0].trace)


def test_a_garbled_record_is_refused(tmp_path):
    (tmp_path / "training.json").write_text("[]")
    with pytest.raises(DamagedFileError, match="is not a training record; pack the checkpoint again"):
        load_stages(tmp_path)


def test_the_command_finds_checkpoints_by_hash_wherever_the_ladder_was_moved(shipped, tmp_path, monkeypatch):
    from worldsim.cli.commands.report import find_checkpoints

    monkeypatch.chdir(tmp_path)
    moved = tmp_path / "moved" / "ladder" / "base"
    shutil.copytree(FOLDERS["voxel-base"], moved / "model")
    config = json.loads((moved / "model" / "config.json").read_text())
    (moved / "model" / "config.json").write_text(json.dumps({**config, "steps": 7}))  # another checkpoint by its hash
    run = shutil.copytree(shipped[0], moved / "eval" / "control")
    record = json.loads((run / "record.json").read_text())
    record["config"]["simulator"] = ["base/model"]
    (run / "record.json").write_text(json.dumps(record))
    found = find_checkpoints([run, tmp_path / "no run"])
    assert found[find_checkpoint(moved / "model").hash] == moved / "model"
    assert CHECKPOINTS.items() <= found.items()
    # What was evaluated is the shipped one, not the one that lies where the evaluation says.
    (stage, *_) = find_stages(load_runs([run]), [], found)
    assert stage.models == ("voxel-base",)
    only = {checkpoint: folder for checkpoint, folder in found.items() if folder == moved / "model"}
    assert find_stages(load_runs([run]), [], only) == []
