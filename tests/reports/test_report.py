"""The report holds what the runs hold: complete in one file, escaped, with every gap and every refusal said."""

import base64
import csv
import io
import json
import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest

from reports.html import write_report
from worldsim.core.errors import WorldsimError
from worldsim.core.statistics import paired_difference

SECTIONS = ["Game beside dream", "What compute buys", "Models compared", "Results", "Error against horizon"]
SECTIONS += ["By kind of scenario", "Scenarios, worst first", "Training and cost", "How it was run"]
SECTIONS += ["Failed and unscored scenarios", "Tables to take away"]
OF_SEVERAL = ("What compute buys", "Models compared")
VOID = {"meta", "link", "input", "br"}


class Page(HTMLParser):
    """Tags are balanced; collects every address and every heading."""

    def __init__(self, text):
        super().__init__()
        self.open, self.addresses, self.headings, self.ids = [], [], [], []
        self.feed(text)
        assert not self.open, f"never closed: {self.open}"

    def handle_starttag(self, tag, attributes):
        self.addresses += [value for name, value in attributes if name in ("src", "href", "poster", "action")]
        self.ids += [value for name, value in attributes if name == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.addresses += [value for name, value in attributes if name in ("src", "href")]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] == "h2":
            self.headings.append(data)


def report(runs, tmp_path, **settings):
    return write_report(runs, tmp_path / "report.html", **settings).read_text()


def player_data(text):
    return json.loads(re.search(r'<script id="player-data"[^>]*>(.*?)</script>', text, re.S)[1])


def csv_rows(text, name):
    data = re.search(rf'download="{name}" href="data:text/csv;charset=utf-8;base64,([^"]+)"', text)[1]
    return list(csv.DictReader(io.StringIO(base64.b64decode(data).decode())))


def rewrite_rows(folder, change):
    path = folder / "rows.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    for row in rows:
        change(row)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return rows


def rewrite_summary(folder, change):
    path = folder / "summary.json"
    summary = json.loads(path.read_text())
    change(summary)
    path.write_text(json.dumps(summary))


def test_one_file_complete_in_itself_with_the_sections_in_order(runs, tmp_path):
    text = report(runs, tmp_path)
    page = Page(text)
    assert page.headings == SECTIONS
    assert len(page.ids) == len(set(page.ids))
    assert [address for address in page.addresses if not address.startswith(("#", "data:"))] == []
    assert "default-src 'none'" in text  # the browser itself refuses whatever would leave the file
    assert len(text) < 20e6
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["report.html"]


def test_a_single_run_has_no_comparison(runs, tmp_path):
    assert Page(report(runs[:1], tmp_path)).headings == [name for name in SECTIONS if name not in OF_SEVERAL]


def test_embedded_videos_are_the_files_of_the_run_byte_for_byte(runs, tmp_path):
    data = player_data(report(runs, tmp_path))
    files = {path.read_bytes() for run in runs for path in run.rglob("*.mp4")}
    embedded = [base64.b64decode(video) for video in data["videos"]]
    assert set(embedded) <= files
    assert len(set(embedded)) == len(embedded)  # the game's video, in both runs, is there once
    control = data["scenes"][0]
    assert [branch["label"] for branch in control["branches"]] == ["a", "b"]
    labels = [cell["label"] for cell in control["branches"][0]["cells"]]
    assert labels == ["the real game", "voxel-base", "voxel-4x", "oracle_vae"]
    assert (control["frames"], control["context"], control["fps"]) == (13, 1, 20.0)
    families = [scene["title"].split(", ")[1] for scene in data["scenes"] if scene["group"].startswith("control")]
    assert len(set(families)) == 3  # one of each kind before a second of any


def test_what_is_left_out_is_counted(runs, tmp_path):
    text = report(runs, tmp_path, videos_per_suite=1)
    assert len(player_data(text)["scenes"]) == 2
    assert "3 scenarios of control · voxel/arena, 3 scenarios of drift · voxel/arena" in text


def test_videos_that_are_missing_damaged_or_elsewhere_are_named(runs, tmp_path):
    (run, _) = runs
    rows = [row for row in rewrite_rows(run, lambda row: None) if row["role"] == "model" and row["videos"]]
    (run / rows[0]["videos"]["dream_a"]).unlink()
    (run / rows[1]["videos"]["dream_b"]).write_bytes(b"no video")
    (tmp_path / "secret.mp4").write_bytes((run / rows[2]["videos"]["dream_a"]).read_bytes())

    def point_elsewhere(row):
        if row["key"] == rows[2]["key"]:
            row["videos"]["dream_a"] = "../../secret.mp4"

    rewrite_rows(run, point_elsewhere)
    text = report([run], tmp_path)
    missing = [
        cell["missing"] for scene in player_data(text)["scenes"] for b in scene["branches"] for cell in b["cells"]
    ]
    assert [line for line in missing if line] == [
        f"{rows[0]['videos']['dream_a']} is missing",
        f"{rows[1]['videos']['dream_b']} cannot be decoded",
        "../../secret.mp4 is outside the run folder",
    ]
    assert all(f"{line}." in text for line in missing if line)


def test_numbers_of_the_summary_are_in_the_table_and_the_csv(runs, tmp_path):
    text = report(runs, tmp_path)
    assert "5 of 6; 1 failed" in text
    assert "MemoryError: the fog &lt;is&gt; too thick" in text
    found = {(row["run"], row["suite"], row["simulator"], row["metric"]): row for row in csv_rows(text, "summary.csv")}
    for run in runs:
        for suite in json.loads((run / "summary.json").read_text())["suites"]:
            for one in suite["simulators"]:
                for metric, part in one["metrics"].items():
                    row = found[run.name, suite["suite"], one["simulator"], metric]
                    assert float(row["mean"]) == part["mean"]
                    assert (row["primary"] == "True") == (metric == suite["primary"])
    scenarios = csv_rows(text, "scenarios.csv")
    assert len(scenarios) == sum(len((run / "rows.jsonl").read_text().splitlines()) for run in runs)
    assert {row["status"] for row in scenarios} == {"completed", "failed"}


def test_paired_differences_match_by_scenario_and_count_failures_as_zero(runs, tmp_path):
    text = report(runs, tmp_path)
    values = []
    for run in runs:
        rows = [r for r in rewrite_rows(run, lambda row: None) if (r["suite"], r["role"]) == ("drift", "model")]
        values.append(
            [r["values"].get("drift_horizon_frames", 0.0) for r in sorted(rows, key=lambda r: r["scenario_hash"])]
        )
    expected = paired_difference(values[1], values[0])
    assert expected.mean < 0  # the failure is not dropped
    (row,) = [row for row in csv_rows(text, "differences.csv") if row["suite"] == "drift"]
    assert (row["model"], row["minus"], row["pairs"]) == ("voxel-4x", "voxel-base", "6")
    assert np.allclose([float(row[name]) for name in ("mean", "low", "high")], expected)


def test_scenarios_of_another_hash_are_not_paired(runs, tmp_path):
    rewrite_rows(runs[1], lambda row: row.update(scenario_hash="f" * 8) if row["scenario"].endswith("0") else None)
    text = report(runs, tmp_path, force=True)
    assert "Compared by force: suite control on voxel/arena has another scenario voxel/arena/0000 in" in text
    rows = csv_rows(text, "differences.csv")
    assert [(row["pairs"], row["unmatched"]) for row in rows] == [("5", "2"), ("5", "2")]


def test_everything_a_run_says_is_escaped(runs, tmp_path):
    evil = '<img src=x onerror="alert(1)"></script><!--'

    def rename(row):
        if row["role"] == "model":
            row["simulator"] = row["scenario"] = row["family"] = row["reason"] = evil
            row["status"] = "unscored"

    rewrite_rows(runs[0], rename)

    def rename_summary(summary):
        for suite in summary["suites"]:
            suite["valid_reason"] = evil
            for one in suite["simulators"]:
                if one["role"] == "model":
                    one |= {
                        "simulator": evil,
                        "score": None,
                        "score_reason": evil,
                        "families": {evil: {"mean": 1}, "b": {}},
                    }

    rewrite_summary(runs[0], rename_summary)
    record = json.loads((runs[0] / "record.json").read_text())
    record |= {"name": evil, "config": {evil: evil}, "config_as_typed": [evil], "model": {evil: {evil: evil}}}
    (runs[0] / "record.json").write_text(json.dumps(record))
    text = report(runs, tmp_path)
    Page(text)
    assert "<img" not in text
    assert text.count("</script>") == 2
    assert text.count("&lt;img") > 10


def test_an_invalid_suite_is_marked(runs, tmp_path):
    rewrite_summary(runs[0], lambda summary: summary["suites"][0].update(valid=False, valid_reason="a null wins"))
    rewrite_summary(runs[0], lambda summary: summary["suites"][1].update(valid=None, valid_reason="too few"))
    text = report(runs[:1], tmp_path)
    assert "Not valid: do not use these numbers. A null wins." in text
    assert "Not validated. Too few." in text


def test_a_cut_last_row_is_left_out_and_said(runs, tmp_path):
    path = runs[0] / "rows.jsonl"
    path.write_bytes(path.read_bytes()[:-20])
    text = report(runs, tmp_path)
    assert "voxel-base: The last line of rows.jsonl is cut" in text
    assert path.read_bytes()[-1:] != b"\n"  # a reader repairs nothing


def test_drawings_are_wellformed_and_named(runs, tmp_path):
    drawings = re.findall(r"<svg.*?</svg>", report(runs, tmp_path), re.S)
    assert len(drawings) > 20
    for drawing in drawings:
        root = ElementTree.fromstring(drawing)
        assert root.get("aria-hidden") or root.get("aria-label")


def no_record(runs):
    (runs[0] / "record.json").unlink()


def no_summary(runs):
    (runs[0] / "summary.json").unlink()


def garbled_row(runs):
    lines = (runs[0] / "rows.jsonl").read_text().splitlines()
    (runs[0] / "rows.jsonl").write_text("\n".join([lines[0], "{oops", *lines[1:]]) + "\n")


def other_schema(runs):
    rewrite_rows(runs[0], lambda row: row.update(schema=2) if row["scenario"].endswith("3") else None)


def row_without_status(runs):
    rewrite_rows(runs[0], lambda row: row.pop("status"))


def rollout_run(runs):
    record = json.loads((runs[0] / "record.json").read_text())
    (runs[0] / "record.json").write_text(json.dumps({**record, "kind": "rollout"}))


def other_version(runs):
    rewrite_rows(runs[1], lambda row: row.update(suite_version=99) if row["suite"] == "drift" else None)
    rewrite_summary(runs[1], lambda summary: summary["suites"][1].update(suite_version=99))


def other_limit(runs):
    def lower(summary):
        for one in summary["suites"][1]["simulators"]:
            one["planned"] = 5

    rewrite_rows(
        runs[1], lambda row: row.update(suite="gone") if (row["suite"], row["scenario"][-1]) == ("drift", "5") else None
    )
    rewrite_summary(runs[1], lower)


def other_settings(runs):
    rewrite_rows(runs[1], lambda row: row["inputs"].update(suite="f" * 16) if row["suite"] == "drift" else None)


def other_scenario(runs):
    third = lambda row: row["suite"] == "drift" and row["scenario"].endswith("3")  # noqa: E731
    rewrite_rows(runs[1], lambda row: row.update(scenario_hash="f" * 16) if third(row) else None)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (no_record, r"voxel-base is not a run: it has no record\.json"),
        (no_summary, r"has no summary\.json, so it is not finished; run its worldsim eval again"),
        (garbled_row, r"rows\.jsonl, line 2, is not valid JSON"),
        (other_schema, r"rows\.jsonl, row 4, has schema 2; this worldsim reads schema 1"),
        (row_without_status, r"rows\.jsonl, row 1, lacks status"),
        (rollout_run, r"is a run of kind 'rollout'; a report shows runs of worldsim eval"),
        (other_limit, r"suite drift on voxel/arena has 6 scenarios in .*voxel-base and 5 in .*voxel-4x"),
        (other_settings, r"suite drift on voxel/arena has other settings in .*voxel-base than in .*voxel-4x"),
        (other_scenario, r"suite drift on voxel/arena has another scenario voxel/arena/0003 in .*force=true"),
        (other_version, r"suite drift on voxel/arena is version \d+ in .*voxel-base and version 99 in .*voxel-4x"),
        (lambda runs: runs.clear(), r"at least one run of worldsim eval, such as runs=\[runs/voxel-base\]"),
        (lambda runs: runs.append(runs[0]), r"the same run is given twice"),
        (lambda runs: runs.append(runs[0] / "nothing"), r"nothing is not a folder"),
    ],
)
def test_what_cannot_be_reported_is_refused_with_a_remedy(runs, tmp_path, damage, message):
    damage(runs)
    with pytest.raises(WorldsimError, match=message):
        report(runs, tmp_path)
    assert not (tmp_path / "report.html").exists()
