"""The browser of scenarios: every one with every model's number, worst first, to be searched and sorted in the page."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from reports.compare import Primary
from reports.marks import badge
from reports.numbers import ABSENT, count, number, words
from reports.pages import template
from reports.runs import Entry
from reports.tables import table
from reports.videos import Gallery


@dataclass(frozen=True)
class Line:
    """One scenario of one suite. ``score`` is the largest model's, 0 the best null and 1 the game, to sort by."""

    primary: Primary
    row: Mapping[str, Any]  # any model's: they are the same in what is shown of them
    answers: list[tuple[str, float, str]]  # of each model: its label, its value, its status
    reason: str
    score: float
    gain: float  # of the largest model over the smallest, in scores

    @property
    def status(self) -> str:
        """The worst of the models'."""
        found = {status for _, _, status in self.answers}
        return next((one for one in ("failed", "unscored", "missing") if one in found), "completed")


def scenario_lines(primaries: Sequence[Primary]) -> list[Line]:
    """All scenarios, the failed first, then those where the largest model scores worst, last those without a score."""
    lines = []
    for primary in primaries:
        rows = [_first_rows(entry) for entry in primary.entries]
        scale = _scale(primary)
        for index, scenario in enumerate(primary.scenarios):
            answers: list[tuple[str, float, str]] = []
            reasons: dict[str, list[str]] = {}  # models by reason
            for entry, own, value in zip(primary.entries, rows, primary.values_SM[index], strict=True):
                row = own.get(scenario)
                answers.append((entry.label, float(value), row["status"] if row else "missing"))
                if row and row["status"] != "completed":
                    reasons.setdefault(_reason(row), []).append(entry.label)
            row = next(own[scenario] for own in rows if scenario in own)
            reason = "; ".join(f"{', '.join(who)}: {text}" for text, who in reasons.items())
            scores = [scale(value) for _, value, _ in answers]
            lines.append(Line(primary, row, answers, reason, scores[-1], scores[-1] - scores[0]))
    return sorted(lines, key=_worst_first)


def browser_section(primaries: Sequence[Primary], gallery: Gallery) -> str:
    """A search field, choices of suite and status and order, and a table with a line for each scenario."""
    lines = scenario_lines(primaries)
    if not lines:
        return ""
    labels = list(dict.fromkeys(label for primary in primaries for label in (e.label for e in primary.entries)))
    head = ["scenario", "suite", *(escape(label) for label in labels), "score", "video"]
    if any(line.reason for line in lines):
        head.append("not scored because")
    body = [_cells(line, labels, gallery)[: len(head)] for line in lines]
    rendered = table("Scenarios", head, body, attributes=[_attributes(line) for line in lines])
    suites = [primary.key.title for primary in primaries]
    parts = {
        "suites": "".join(f'<option value="{escape(title)}">{escape(title)}</option>' for title in suites),
        "gains": '<option value="gain">largest gain by compute</option><option value="loss">largest loss by compute'
        "</option>" * (len(labels) > 1),
        "count": f"{count(len(lines), 'scenario')}.",
        "score": f"Score: {'that of the model of most compute' if len(labels) > 1 else escape(labels[0])}; "
        "0 is the best null's mean, 1 the game's. A scenario that failed counts as 0 in the primary number, and "
        "stands first.",
        "table": rendered,
    }
    page = template("browser.html")
    for name, text in parts.items():
        page = page.replace(f"{{{{{name}}}}}", text)
    return page


def _cells(line: Line, labels: Sequence[str], gallery: Gallery) -> list[str]:
    row = line.row
    by_label = {label: (value, status) for label, value, status in line.answers}
    values = [_answer(*by_label[label]) if label in by_label else ABSENT for label in labels]
    place = gallery.place(line.primary.key, row["scenario"])
    name = f"{row['scenario']}"
    watch = ""
    if place is not None:
        watch = f'<button type="button" class="watch" data-watch="{place}" aria-label="Watch {escape(name)}">▶</button>'
    about = [words(row["family"])] if row.get("family") else []
    about += [f"seed {row['game_seed']}"] if row.get("game_seed") is not None else []
    return [
        f'{escape(name)}<span class="role">{escape(", ".join(about))}</span>',
        f"{escape(line.primary.key.title)} {badge(line.primary.valid)}"
        f'<span class="role">{escape(words(line.primary.metric))}</span>',
        *values,
        number(line.score),
        watch,
        f'<div class="clamp">{escape(line.reason)}</div>' if line.reason else "",
    ]


def _answer(value: float, status: str) -> str:
    if status == "completed":
        return number(value)
    return f"<b>{escape(status)}</b>" if status == "failed" else escape(status)


def _attributes(line: Line) -> dict[str, str]:
    """What the page's script sorts and filters by."""
    return {
        "data-suite": line.primary.key.title,
        "data-status": line.status,
        "data-score": _plain(line.score),
        "data-gain": _plain(line.gain),
    }


def _plain(value: float) -> str:
    return f"{value:.6g}" if math.isfinite(value) else ""


def _worst_first(line: Line) -> tuple[int, float]:
    if line.status == "failed":
        return (0, 0.0)
    return (1, line.score) if math.isfinite(line.score) else (2, 0.0)


def _first_rows(entry: Entry) -> dict[str, Mapping[str, Any]]:
    """By scenario hash: of several seeds one that was not completed, else the first."""
    found: dict[str, Mapping[str, Any]] = {}
    for row in entry.rows:
        before = found.setdefault(row["scenario_hash"], row)
        if before["status"] == "completed" != row["status"]:
            found[row["scenario_hash"]] = row
    return found


def _reason(row: Mapping[str, Any]) -> str:
    return row.get("reason") or "; ".join(f"{k}: {v}" for k, v in (row.get("reasons") or {}).items()) or row["status"]


def _scale(primary: Primary) -> Callable[[float], float]:
    """From a value to 0 at the best null's mean and 1 at the game's; without these only the order of values is kept."""
    last = primary.entries[-1]
    suite = last.run.suites[primary.key]
    means = {one["simulator"]: one["metrics"].get(primary.metric, {}).get("mean") for one in suite["simulators"]}
    oracle = next((means[one["simulator"]] for one in suite["simulators"] if one.get("role") == "oracle"), None)
    null = means.get(suite.get("best_null"))
    if oracle is None or null is None or oracle == null:
        return lambda value: value if primary.higher_is_better else -value
    return lambda value: (value - null) / (oracle - null)
