"""Tables of results as HTML; every word that comes from a run is escaped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from reports.curves import has_mean, point
from reports.numbers import ABSENT, count, interval, number, words
from reports.plots import Point, interval_strip
from reports.runs import Entry, Run, SuiteKey, entries
from reports.svg import looks

ROLE_WORDS = {
    "model": "model",
    "oracle": "the game itself",
    "ceiling": "ceiling",
    "null": "null",
}


def table(
    caption: str, head: Sequence[str], body: Sequence[Sequence[str]], attributes: Sequence[Mapping[str, str]] = ()
) -> str:
    """An HTML table in a region that scrolls sideways; cells are HTML already, the first of each row is its header.

    ``attributes`` are those of the rows, by name.
    """
    top = "".join(f'<th scope="col">{words_}</th>' for words_ in head)
    lines = []
    for index, cells in enumerate(body):
        own = attributes[index] if attributes else {}
        opening = "".join(f' {name}="{escape(text)}"' for name, text in own.items())
        rest = "".join(f"<td>{cell}</td>" for cell in cells[1:])
        lines.append(f'<tr{opening}><th scope="row">{cells[0]}</th>{rest}</tr>')
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
    body, attributes = [], []
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
        attributes.append({"class": f"role-{entry.role}"} if entry.role in ROLE_WORDS else {})
    head = [
        "simulator",
        f'{escape(words(primary))}<span class="role">{arrow}</span>',
        f'<span class="range">{escape(number(low))}<i></i>{escape(number(high))}</span>' if extents else "",
        'score<span class="role">0 best null, 1 the game</span>',
        "scenarios",
    ]
    return table(f"{key.title}: results", head, body, attributes)


def coverage(summary: dict[str, Any]) -> str:
    """ "46 of 48; 1 unscored, 1 failed"."""
    rest = gaps_of(summary)
    return f"{summary.get('completed', 0)} of {summary.get('planned', 0)}" + (f"; {rest}" if rest else "")


def gaps_of(summary: dict[str, Any]) -> str:
    """ "1 unscored, 1 failed"; "" where every scenario has a score."""
    rest = [f"{summary[name]} {name}" for name in ("unscored", "failed") if summary.get(name)]
    waiting = summary.get("planned", 0) - sum(summary.get(name, 0) for name in ("completed", "unscored", "failed"))
    return ", ".join([*rest, f"{waiting} not run"] if waiting > 0 else rest)


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


def _small(words_: str | None) -> str:
    return f'<span class="role">{escape(words_)}</span>' if words_ else ""


def _point(part: dict[str, Any] | None) -> Point | None:
    return point(0, part) if part and has_mean(part) else None
