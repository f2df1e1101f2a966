"""Tables of what more compute does: trends over training FLOPs and paired contrasts between models."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from reports.compare import Difference, Primary
from reports.marks import badge
from reports.numbers import ABSENT, MINUS, interval, number, words
from reports.plots import Point, interval_strip
from reports.svg import Look
from reports.tables import table
from reports.trends import Trend
from worldsim.core.statistics import Contrast

PLAIN_LOOK = Look("m0", "", "circle", 2.6)
INTERVAL_HEAD = "mean [95\u00a0% interval]"


def difference_table(differences: Sequence[Difference]) -> str:
    """Paired contrasts, one line for each suite and pair of models."""
    body = [
        [
            suite_cell(d.primary),
            f"{escape(d.other.label)} {MINUS} {escape(d.base.label)}",
            escape(interval(d.found._asdict())),
            around_zero(d.found),
            f"{d.found.pairs}" + (f'<span class="role">{d.unmatched} unmatched</span>' if d.unmatched else ""),
            escape(p_words(d.adjusted_p)),
            _verdict(d.verdict, d.shown),
        ]
        for d in differences
    ]
    head = ["suite", "difference", INTERVAL_HEAD, _ZERO_HEAD, "pairs", "p (Holm)", "in words"]
    return table("Paired contrasts", head, body)


def trend_table(trends: Sequence[Trend]) -> str:
    """Slope per decade of compute and monotonicity, one line for each suite."""
    body = [
        [
            suite_cell(t.primary),
            escape(interval(t.slope._asdict())),
            around_zero(t.slope),
            f"{t.slope.pairs}",
            escape(p_words(t.adjusted_p)),
            f'{_verdict(t.verdict, t.direction in ("better", "worse"))}<span class="role">{escape(t.steps)}</span>',
        ]
        for t in trends
    ]
    head = ["suite", "per tenfold compute [95\u00a0%]", _ZERO_HEAD, "scenarios", "p (Holm)", "trend, and step by step"]
    return table("Trends over training compute", head, body)


def suite_cell(primary: Primary) -> str:
    aim = "higher is better" if primary.higher_is_better else "lower is better"
    return (
        f"{escape(primary.key.title)} {badge(primary.valid)}"
        f'<span class="role">{escape(words(primary.metric))}, {aim}</span>'
    )


def around_zero(found: Contrast) -> str:
    """The interval as a small drawing with zero in its middle; rows are not to one scale."""
    if not math.isfinite(found.mean):
        return ""
    point = Point(0, found.mean, found.low, found.high)
    reach = max(abs(value) for value in point.extent) * 1.1 or 1.0
    return interval_strip(point, -reach, reach, PLAIN_LOOK, zero=0.0)


def p_words(p: float) -> str:
    """A p-value as it is quoted."""
    if not math.isfinite(p):
        return ABSENT
    return "< 0.001" if p < 0.001 else number(p)


def _verdict(text: str, shown: bool) -> str:
    return f"<b>{escape(text)}</b>" if shown else escape(text)


_ZERO_HEAD = '<span class="range">around zero</span>'
