"""Models over compute: trends, contrasts and their correction agree with the rows they come from."""

import base64
import csv
import io
import json
import re
from dataclasses import replace

import numpy as np
import pytest

from reports.compare import Difference, contrast, differences, primaries
from reports.html import write_report
from reports.labels import model_labels
from reports.runs import load_runs
from reports.trends import monotonicity, slopes_per_decade, summary_sentence, trends
from worldsim.core.statistics import bootstrap_mean, holm, paired_p_value

FLOPS = {"voxel-base": 2e14, "voxel-4x": 8e14, "voxel-32x": 64e14}


def table(text, name):
    kind = "text/csv" if name.endswith("csv") else "application/x-tex"
    data = re.search(rf'download="{name}" href="data:{kind};charset=utf-8;base64,([^"]+)"', text)[1]
    return base64.b64decode(data).decode()


def csv_rows(text, name):
    return list(csv.DictReader(io.StringIO(table(text, name))))


def primary_by_scenario(folder, suite):
    """Of the model in a run, read without the code under test: a failure is 0."""
    rows = [json.loads(line) for line in (folder / "rows.jsonl").read_text().splitlines()]
    rows = [row for row in rows if (row["suite"], row["role"]) == (suite, "model")]
    return [row["values"].get(row["primary"], 0.0) for row in sorted(rows, key=lambda row: row["scenario_hash"])]


@pytest.fixture(scope="module")
def text(ladder, tmp_path_factory):
    return write_report(ladder[::-1], tmp_path_factory.mktemp("scale") / "report.html").read_text()


@pytest.fixture(scope="module")
def found(ladder):
    return primaries(load_runs(ladder))


def test_models_stand_in_the_order_of_their_compute_not_of_the_command(text):
    assert "<h1>voxel-base, voxel-4x and voxel-32x beside the real game</h1>" in text
    data = json.loads(re.search(r'<script id="player-data"[^>]*>(.*?)</script>', text, re.S)[1])
    for scene in data["scenes"]:
        for branch in scene["branches"]:
            assert [cell["label"] for cell in branch["cells"]] == ["the real game", *FLOPS]
    assert [row["minus"] for row in csv_rows(text, "differences.csv")][:3] == ["voxel-base", "voxel-base", "voxel-4x"]


def test_slopes_are_those_of_a_line_through_each_scenario(text, ladder):
    rows = {row["suite"]: row for row in csv_rows(text, "trends.csv")}
    p_values = []
    for suite in ("control", "drift"):
        values_SM = np.array([primary_by_scenario(folder, suite) for folder in ladder]).T
        slopes = [np.polyfit(np.log10(list(FLOPS.values())), line, 1)[0] for line in values_SM]
        row = rows[suite]
        expected = bootstrap_mean(slopes)
        assert np.allclose([float(row[name]) for name in ("slope_per_decade", "low", "high")], expected, atol=1e-9)
        assert row["models"].split() == list(FLOPS)
        p_values.append(paired_p_value(np.round(slopes, 12), np.zeros(len(slopes))))
    # One of the suites is invalid: at so short a horizon a null is as good as the game.
    assert [(rows[suite]["valid"], bool(rows[suite]["p_holm"])) for suite in rows] == [("", True), ("False", False)]
    assert float(rows["control"]["p_holm"]) == pytest.approx(p_values[0])


def test_contrasts_are_corrected_for_all_of_them(text):
    rows = csv_rows(text, "differences.csv")
    assert len(rows) == 2 * 3
    judged = [row for row in rows if row["suite"] == "control"]
    assert np.allclose([float(row["p_holm"]) for row in judged], holm([float(row["p_value"]) for row in judged]))
    assert {(row["p_holm"], row["verdict"]) for row in rows if row["suite"] == "drift"} == {
        ("", "suite not valid: no verdict")
    }
    assert "for all 3 contrasts of primary numbers" in text


def test_a_suite_that_is_invalid_or_familiar_has_no_verdict_and_is_not_counted(found):
    other = replace(found[1], valid=True)
    for primary, said in (
        (replace(found[0], valid=False), "suite not valid: no verdict"),
        (replace(found[0], familiar=True), "a familiar number, no primary"),
    ):
        compared = differences([primary, other])
        aside = [d for d in compared if d.primary is primary]
        assert {d.verdict for d in aside} == {said}
        assert all(np.isnan(d.adjusted_p) for d in aside)
        counted = [d for d in compared if d.primary is other]
        assert [d.adjusted_p for d in counted] == holm([d.found.p_value for d in counted])
        (trend, _) = trends([primary, other], compared)
        assert (trend.verdict, trend.direction) == (said, "")
        assert "as not valid or only familiar: control." in summary_sentence(trends([primary, other], []))


def test_rising_flat_and_falling_are_said_alike(found):
    base = found[0]
    noise = np.random.default_rng(0).normal(0, 0.02, (16, 3))
    for step, lower_is_better, direction, steps in (
        (0.1, False, "better", "better at every step, every step shown"),
        (-0.1, False, "worse", "worse at every step, every step shown"),
        (-0.1, True, "better", "better at every step, every step shown"),
        (0.0, False, "flat", None),
    ):
        values = 0.5 + step * np.arange(3) + noise
        primary = replace(
            base, values_SM=values, scenarios=[str(i) for i in range(16)], higher_is_better=not lower_is_better
        )
        (trend,) = trends([primary], differences([primary]))
        assert trend.direction == direction
        assert steps is None or trend.steps == steps
        assert {"better": "better with compute", "worse": "worse with compute", "flat": "no trend shown"}[
            direction
        ] == trend.verdict
    assert "1 with no trend shown (control)" in summary_sentence([trend])


def test_what_goes_up_and_down_is_not_monotone(found):
    primary = replace(found[0], values_SM=np.tile([0.2, 0.9, 0.4], (8, 1)), scenarios=list("abcdefgh"))
    assert monotonicity(primary, [0, 1, 2], differences([primary])) == "not monotone: better, then worse"
    same = replace(primary, values_SM=np.full((8, 3), 0.5))
    assert monotonicity(same, [0, 1, 2], differences([same])) == "same at every step"
    assert differences([same])[0].verdict == "no difference shown"


def test_a_scenario_that_one_model_lacks_counts_for_no_slope():
    values = np.array([[1.0, 2.0, 3.0], [1.0, np.nan, 3.0]])
    slopes = slopes_per_decade(values, [1e14, 1e15, 1e16])
    assert slopes[0] == pytest.approx(1.0)
    assert np.isnan(slopes[1])
    # Equal values have no slope at all, not one of a rounding error whose sign all scenarios share.
    assert not slopes_per_decade(np.full((6, 3), 0.9), [2e14, 8e14, 64e14]).any()


def test_one_pair_is_a_difference_without_a_verdict(found):
    alone = contrast(np.array([1.0, np.nan]), np.array([0.25, 1.0]))
    assert (alone.mean, alone.pairs) == (0.75, 1)
    assert np.isnan(alone.p_value)
    assert Difference(found[0], *found[0].entries[:2], alone, 1).verdict == "too few pairs"


def test_without_known_compute_there_is_a_comparison_but_no_trend(runs, tmp_path):
    for run in runs:
        record = json.loads((run / "record.json").read_text())
        for facts in record["model"].values():
            facts["train_flops"] = None
        (run / "record.json").write_text(json.dumps(record))
    text = write_report(runs, tmp_path / "report.html").read_text()
    assert 'id="compute"' not in text
    assert 'id="comparison"' in text
    assert "not known" in text
    single = write_report(runs[:1], tmp_path / "single.html").read_text()
    assert "<h1>voxel-base against the real game</h1>" in single


def test_latex_tables_have_a_cell_for_every_column_and_escape_what_latex_would_read(text):
    for name in ("primaries.tex", "differences.tex", "trends.tex", "costs.tex"):
        tex = table(text, name)
        columns = len(re.search(r"\\begin\{tabular\}\{(l+)\}", tex)[1])
        lines = [line for line in tex.splitlines() if line.endswith(r"\\")]
        assert len(lines) >= 3
        assert {len(re.findall(r"(?<!\\)&", line)) for line in lines} == {columns - 1}
        assert not re.search(r"(?<!\\)[%_#]", tex.removeprefix("% needs"))
        assert tex.isascii()
    assert r"6.4 $\times$ 10$^{15}$" in table(text, "costs.tex")


def test_marks_of_validity_stand_where_numbers_do(text):
    for part in ("compute", "comparison", "horizon", "families", "scenarios"):
        section = re.search(rf'<section id="{part}".*?</section>', text, re.S)[0]
        kinds = {"open"} if part in ("horizon", "families") else {"open", "bad"}
        assert kinds <= set(re.findall(r'class="badge (\w+)"', section)), part
    assert "drift · voxel/arena (✕ not valid)" in text  # where its videos are chosen


def test_models_of_one_name_are_told_apart_by_folder_or_by_setting(tmp_path):
    facts = lambda **more: {"checkpoint_hash": "a", "steps": 1, **more}  # noqa: E731
    place = lambda text: tmp_path / text  # noqa: E731
    seen = [
        ("model", facts(), place("out/base/eval/control")),
        ("model", facts(checkpoint_hash="b"), place("out/4x/eval/control")),
        ("model", facts(), place("out/base/eval/drift")),
        ("model", facts(checkpoint_hash="b"), place("out/4x/eval/drift")),
    ]
    assert model_labels(seen) == ["base", "4x", "base", "4x"]
    steps = [("voxel", facts(), place("a")), ("voxel", facts(steps=4), place("b"))]
    assert model_labels(steps) == ["voxel (steps 1)", "voxel (steps 4)"]
    two = [("voxel", facts(), place("a")), ("doom", facts(), place("a"))]
    assert model_labels(two) == ["voxel", "doom"]
    changed = [("voxel", facts(), place("x/eval")), ("voxel", facts(checkpoint_hash="bcdefgh"), place("x/eval"))]
    assert model_labels(changed) == ["voxel (checkpoint a)", "voxel (checkpoint bcdefg)"]
