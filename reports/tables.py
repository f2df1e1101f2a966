"""Tables as HTML and as CSV; every word that comes from a run is escaped."""

from __future__ import annotations

import base64
import csv
import io
import math
from collections.abc import Sequence
from html import escape
from typing import Any

from reports.compare import Difference
from reports.curves import curve_names, curve_table, has_mean, point
from reports.numbers import ABSENT, count, interval, number, words
from reports.plots import Point, interval_strip
from reports.runs import Entry, Run, SuiteKey, entries, suite_keys
from reports.svg import MODEL_LOOKS, looks

ROLE_WORDS = {
    "model": "model",
    "oracle": "the game itself",
    "ceiling": "ceiling",
    "null": "null",
}


def table(caption: str, head: Sequence[str], body: Sequence[Sequence[str]], classes: Sequence[str] = ()) -> str:
    """An HTML table in a region that scrolls sideways; cells are HTML already, the first of each row is its header."""
    top = "".join(f'<th scope="col">{words_}</th>' for words_ in head)
    lines = []
    for index, cells in enumerate(body):
        css = f' class="{classes[index]}"' if index < len(classes) and classes[index] else ""
        rest = "".join(f"<td>{cell}</td>" for cell in cells[1:])
        lines.append(f'<tr{css}><th scope="row">{cells[0]}</th>{rest}</tr>')
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(caption)}"><table>'
        f'<caption class="sr">{escape(caption)}</caption><thead><tr>{top}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table></div>"
    )


def summary_table(runs: Sequence[Run], key: SuiteKey) -> str:
    """One suite: each simulator's primary metric and score with intervals, and how much of the plan was scored."""
    suite = next(run.suites[key] for run in runs if key in run.suites)
    primary = suite["primary"]
    listed = entries(runs, key)
    points = [_point(entry.summary["metrics"].get(primary)) for entry in listed]
    extents = [value for p in points if p is not None for value in p.extent]
    low, high = (min(extents), max(extents)) if extents else (0.0, 1.0)
    pad = (high - low) * 0.04 or 0.5
    arrow = "higher is better" if suite.get("higher_is_better", True) else "lower is better"
    body, classes = [], []
    for entry, p, look in zip(listed, points, looks([entry.role for entry in listed]), strict=True):
        metric = entry.summary["metrics"].get(primary)
        strip = interval_strip(p, low - pad, high + pad, look) if p else ""
        score = entry.summary.get("score")
        body.append(
            [
                f'{escape(entry.label)}<span class="role">{escape(ROLE_WORDS.get(entry.role, entry.role))}</span>',
                escape(interval(metric)),
                strip,
                escape(interval(score)) + ("" if score else _small(entry.summary.get("score_reason"))),
                escape(coverage(entry.summary)),
            ]
        )
        classes.append(f"role-{entry.role}" if entry.role in ROLE_WORDS else "")
    head = [
        "simulator",
        f'{escape(words(primary))}<span class="role">{arrow}</span>',
        f'<span class="range">{escape(number(low))}<i></i>{escape(number(high))}</span>' if extents else "",
        'score<span class="role">0 best null, 1 the game</span>',
        "scenarios",
    ]
    return table(f"{key.title}: results", head, body, classes)


def coverage(summary: dict[str, Any]) -> str:
    """ "46 of 48; 1 unscored, 1 failed"."""
    rest = [f"{summary[name]} {name}" for name in ("unscored", "failed") if summary.get(name)]
    planned, completed = summary.get("planned", 0), summary.get("completed", 0)
    waiting = planned - completed - summary.get("unscored", 0) - summary.get("failed", 0)
    if waiting > 0:
        rest.append(f"{waiting} not run")
    return f"{completed} of {planned}" + ("; " + ", ".join(rest) if rest else "")


def all_metrics_table(runs: Sequence[Run], key: SuiteKey) -> str:
    """Every metric of the suite, simulators down, metrics across."""
    listed = entries(runs, key)
    names = metric_names(listed)
    body = [
        [escape(entry.label), *(escape(interval(entry.summary["metrics"].get(name))) for name in names)]
        for entry in listed
    ]
    return table(f"{key.title}: all metrics", ["simulator", *(escape(words(name)) for name in names)], body)


def metric_names(listed: Sequence[Entry]) -> list[str]:
    return list(dict.fromkeys(name for entry in listed for name in entry.summary["metrics"]))


def difference_table(differences: Sequence[Difference]) -> str:
    """Paired differences with their intervals, one line for each suite and pair of models."""
    body = []
    for d in differences:
        p = Point(0, d.mean, d.low, d.high) if math.isfinite(d.mean) else None
        reach = max([abs(value) for value in (p.extent if p else ())], default=1.0) * 1.1 or 1.0
        strip = interval_strip(p, -reach, reach, MODEL_LOOKS[0], zero=0.0) if p else ""
        body.append(
            [
                f'{escape(d.key.title)}<span class="role">{escape(words(d.metric))}</span>',
                f"{escape(d.other.label)} \N{MINUS SIGN} {escape(d.base.label)}",
                escape(interval(d.__dict__)),
                strip,
                f"{d.pairs}" + (f'<span class="role">{d.unmatched} unmatched</span>' if d.unmatched else ""),
                escape(d.verdict),
            ]
        )
    head = [
        "suite",
        "difference",
        "mean [95\u00a0% interval]",
        '<span class="range">around zero</span>',
        "pairs",
        "in words",
    ]
    return table("Paired differences", head, body)


def troubles_table(runs: Sequence[Run]) -> str:
    """Scenarios that have no score, with the reason."""
    body = []
    for run in runs:
        for row in run.rows:
            if row["status"] == "completed":
                continue
            reasons = row.get("reason") or "; ".join(f"{k}: {v}" for k, v in (row.get("reasons") or {}).items())
            cells = [row["scenario"], row["suite"], row["simulator"], run.name, row["status"], reasons or ABSENT]
            body.append([escape(str(cell)) for cell in cells])
    if not body:
        return "<p>Every scenario that was run has a score.</p>"
    shown = body[:200]
    more = f"<p>{count(len(body) - 200, 'further scenario')} in the CSV file.</p>" if len(body) > 200 else ""
    head = ["scenario", "suite", "simulator", "run", "status", "reason"]
    return table("Failed and unscored scenarios", head, shown) + more


def csv_link(name: str, lines: Sequence[Sequence[Any]]) -> str:
    """A link that saves the lines as a CSV file, without a server."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(["" if cell is None else cell for cell in line] for line in lines)
    data = base64.b64encode(text.getvalue().encode()).decode()
    rows = count(len(lines) - 1, "row")
    return (
        f'<li><a download="{escape(name)}" href="data:text/csv;charset=utf-8;base64,{data}">{escape(name)}</a> '
        f'<span class="muted">{rows}</span></li>'
    )


def summary_lines(runs: Sequence[Run]) -> list[list[Any]]:
    head = ["run", "suite", "suite_version", "game", "valid", "simulator", "role", "planned", "completed", "unscored"]
    lines: list[list[Any]] = [[*head, "failed", "metric", "primary", "mean", "low", "high", "n"]]
    for run in runs:
        for key, suite in run.suites.items():
            for one in suite["simulators"]:
                counts = [one.get(name) for name in ("planned", "completed", "unscored", "failed")]
                start = [run.name, key.suite, key.version, key.game, suite.get("valid")]
                start += [one["simulator"], one.get("role"), *counts]
                parts = {**one["metrics"], "score": one.get("score")}
                for name, part in parts.items():
                    if part:
                        ends = [part.get(field) for field in ("mean", "low", "high", "n")]
                        lines.append([*start, name, name == suite["primary"], *ends])
    return lines


def scenario_lines(runs: Sequence[Run]) -> list[list[Any]]:
    plain = ["suite", "suite_version", "game", "simulator", "role", "scenario", "scenario_hash", "family", "seed"]
    names = list(dict.fromkeys(name for run in runs for row in run.rows for name in row.get("values") or {}))
    lines: list[list[Any]] = [["run", *plain, "status", "reason", *names]]
    for run in runs:
        for row in run.rows:
            values = row.get("values") or {}
            start = [run.name, *(row.get(name) for name in plain), row["status"], row.get("reason")]
            lines.append([*start, *(values.get(name) for name in names)])
    return lines


def curve_lines(runs: Sequence[Run]) -> list[list[Any]]:
    lines: list[list[Any]] = [["run", "suite", "game", "simulator", "role", "curve", "horizon", "mean", "scenarios"]]
    for key in suite_keys(runs):
        listed = entries(runs, key)
        for name in curve_names(listed):
            for entry in listed:
                values = curve_table(entry, name)
                for horizon in range(values.shape[1]):
                    finite = [v for v in values[:, horizon] if math.isfinite(v)]
                    mean = sum(finite) / len(finite) if finite else None
                    start = [entry.run.name, key.suite, key.game, entry.simulator, entry.role]
                    lines.append([*start, name, horizon + 1, mean, len(finite)])
    return lines


def difference_lines(differences: Sequence[Difference]) -> list[list[Any]]:
    head = ["suite", "game", "metric", "model", "minus", "mean", "low", "high", "pairs", "unmatched"]
    return [
        head,
        *(
            [
                d.key.suite,
                d.key.game,
                d.metric,
                d.other.label,
                d.base.label,
                d.mean,
                d.low,
                d.high,
                d.pairs,
                d.unmatched,
            ]
            for d in differences
        ),
    ]


def _small(words_: str | None) -> str:
    return f'<span class="role">{escape(words_)}</span>' if words_ else ""


def _point(part: dict[str, Any] | None) -> Point | None:
    return point(0, part) if part and has_mean(part) else None
