"""Files inside the file: tables as CSV and LaTeX, saved by a link without a server."""

from __future__ import annotations

import base64
import csv
import io
from collections.abc import Sequence
from html import escape
from typing import Any

from reports import csv_lines, latex
from reports.compare import Difference, Primary
from reports.cost import Cost
from reports.numbers import count
from reports.runs import Run
from reports.training import Stage
from reports.trends import Trend

LARGEST_TABLE = 4_000_000  # bytes; one that is larger stays in the run folders, so that the report can be mailed


def downloads_section(
    runs: Sequence[Run],
    primaries: Sequence[Primary],
    differences: Sequence[Difference],
    trends: Sequence[Trend],
    costs: Sequence[Cost],
    stages: Sequence[Stage],
) -> str:
    tables: list[tuple[str, str, list[list[Any]]]] = [
        ("summary.csv", "every metric of every simulator", csv_lines.summary_lines(runs)),
        ("scenarios.csv", "every answer, with its reason where it has no number", csv_lines.scenario_lines(runs)),
        ("curves.csv", "errors against horizon", csv_lines.curve_lines(runs)),
        ("differences.csv", "paired contrasts", csv_lines.difference_lines(differences)),
        ("trends.csv", "slopes over training compute", csv_lines.trend_lines(trends)),
        ("costs.csv", "what each model cost", csv_lines.cost_lines(costs)),
        ("training.csv", "loss traces", csv_lines.training_lines(stages)),
    ]
    papers = [
        ("primaries.tex", "primary numbers by model", latex.primaries_tex(primaries), primaries),
        ("differences.tex", "paired contrasts", latex.differences_tex(differences), differences),
        ("trends.tex", "slopes over training compute", latex.trends_tex(trends), trends),
        ("costs.tex", "what each model cost", latex.costs_tex(costs), costs),
    ]
    links = [_link(name, f"{what}, {count(len(lines) - 1, 'row')}", _csv(lines)) for name, what, lines in tables
             if len(lines) > 1]  # fmt: skip
    links += [_link(name, f"{what}, LaTeX (booktabs)", text) for name, what, text, of in papers if of]
    return f'<ul class="files">{"".join(links)}</ul>'


def _csv(lines: Sequence[Sequence[Any]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(["" if cell is None else cell for cell in line] for line in lines)
    return text.getvalue()


def _link(name: str, what: str, text: str) -> str:
    raw = text.encode()
    if len(raw) > LARGEST_TABLE:
        size = f"{len(raw) / 1e6:.0f} MB"
        return f'<li>{escape(name)} <span class="muted">is too large to embed ({size}); see the run folders</span></li>'
    kind = "text/csv" if name.endswith(".csv") else "application/x-tex"
    data = base64.b64encode(raw).decode()
    return (
        f'<li><a download="{escape(name)}" href="data:{kind};charset=utf-8;base64,{data}">{escape(name)}</a> '
        f'<span class="muted">{escape(what)}</span></li>'
    )
