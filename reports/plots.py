"""The plots of a report: error against horizon, bars by family, interval strips; those over compute are in trend_plots.

Each is drawn twice, for wide and for narrow pages; the style sheet shows the one that fits, with text at its own size.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from reports.numbers import number, tick_text
from reports.svg import CHARACTER_PX, Axis, Look, Svg, decades, looks, nice_ticks, spread

WIDE, NARROW = 960, 350
LOG_FROM = 48  # horizons beyond this many frames are placed by their logarithm


@dataclass(frozen=True)
class Point:
    """A mean with its interval at a place; ``x`` is a horizon in frames, a compute in FLOPs or a row number.

    ``low`` and ``high`` are NaN where too few scenarios support an interval; then none is drawn.
    """

    x: float
    mean: float
    low: float
    high: float

    @property
    def bounded(self) -> bool:
        return math.isfinite(self.low) and math.isfinite(self.high)

    @property
    def extent(self) -> tuple[float, ...]:
        return (self.low, self.mean, self.high) if self.bounded else (self.mean,)


@dataclass(frozen=True)
class Series:
    """One simulator's points."""

    name: str
    role: str
    points: Sequence[Point]


def both_widths(draw: Callable[..., Svg], *args: object) -> str:
    """The wide and the narrow drawing of one plot."""
    return (
        f'<div class="plot">{draw(*args, width=WIDE).render("wide")}{draw(*args, width=NARROW).render("narrow")}</div>'
    )


def horizon_plot(series: Sequence[Series], y_label: str, label: str, log_y: bool = False, width: float = WIDE) -> Svg:
    """Lines with interval bands over the number of dreamed frames; names stand at the line ends, or below if narrow.

    With ``log_y`` every mean must be above 0.
    """
    styles = looks([line.role for line in series])
    everything = [point for line in series for point in line.points]
    last = max(point.x for point in everything)
    narrow = width < 500
    if log_y:
        y_ticks = decades(min(p.mean for p in everything), max(p.mean for p in everything))
    else:
        y_ticks = nice_ticks(*_range(everything), 6)
    names_px = 0 if narrow else 22 + CHARACTER_PX * max(len(line.name) for line in series)
    left, top, below = tick_room(y_ticks), 26, 42 + (18 * len(series) if narrow else 0)
    plot_height = 230 if narrow else 290
    drawing = Svg(width, top + plot_height + below, label)
    x = Axis(1, max(2, last), left, width - max(14, names_px), log=last > LOG_FROM)
    y = Axis(y_ticks[0], y_ticks[-1], top + plot_height, top, log=log_y)
    y_axis(drawing, y, y_ticks, left, x.end, y_label)
    _horizon_ticks(drawing, x, int(last), top + plot_height, narrow)
    order = sorted(range(len(series)), key=lambda index: series[index].role == "model")  # models are drawn on top
    for index in order:
        line, look = series[index], styles[index]
        bounded = [p for p in line.points if p.bounded]
        low = [(x(p.x), y(max(p.low, y.low))) for p in bounded]  # a logarithmic axis has no place for 0
        drawing.band(low, [(x(p.x), y(min(p.high, y.high))) for p in bounded], look)
    for index in order:
        line, look = series[index], styles[index]
        drawing.path([(x(p.x), y(p.mean)) for p in line.points], look)
        for point in _some(line.points, 7, x):
            drawing.marker(x(point.x), y(point.mean), look)
    if narrow:
        _legend(drawing, series, styles, left, top + plot_height + 52)
    else:
        ends = spread([y(line.points[-1].mean) for line in series], 15, top + 4, top + plot_height)
        for line, look, place in zip(series, styles, ends, strict=True):
            end = line.points[-1]
            drawing.line(x(end.x) + 5, y(end.mean), x.end + 15, place, f"leader {look.css}")
            drawing.text(x.end + 18, place + 4, line.name, css=f"name {look.css}")
    return drawing


def family_bars(
    families: Sequence[str], series: Sequence[Series], x_label: str, label: str, width: float = WIDE
) -> Svg:
    """Horizontal bars by family (row number in ``x``): models as bars with whiskers, other roles as marks."""
    models = [line for line in series if line.role == "model"]
    others = [line for line in series if line.role != "model"]
    styles = looks([line.role for line in series])
    style_of = {line.name: look for line, look in zip(series, styles, strict=True)}
    bar, space = 13, 13
    row_height = space + (bar + 3) * len(models)
    left = min(0.45 * width, 16 + CHARACTER_PX * max(len(name) for name in families))
    top, legend_rows = 8, len(series)
    height = top + row_height * len(families) + 44 + 18 * legend_rows
    drawing = Svg(width, height, label)
    lowest, highest = _range([point for line in series for point in line.points])
    ticks = nice_ticks(min(0.0, lowest), highest, 4 if width < 500 else 6)
    x = Axis(ticks[0], ticks[-1], left, width - 16)
    floor = top + row_height * len(families)
    for tick in ticks:
        drawing.line(x(tick), top, x(tick), floor, "rule zero" if tick == 0 else "rule")
        drawing.text(x(tick), floor + 16, tick_text(tick), "middle", "tick")
    drawing.text(x.end, floor + 34, x_label, "end", "axis")
    for row, family in enumerate(families):
        middle = top + row_height * (row + 0.5)
        drawing.text(left - 10, middle + 4, family, "end")
        for index, line in enumerate(models):
            for p in (p for p in line.points if p.x == row):
                at = middle + (index - len(models) / 2) * (bar + 3) + 1.5
                look = style_of[line.name]
                drawing.rect(min(x(0), x(p.mean)), at, abs(x(p.mean) - x(0)), bar, f"fill {look.css}")
                if p.bounded:
                    drawing.whisker(x(p.low), x(p.high), at + bar / 2, look.css)
                drawing.marker(x(p.mean), at + bar / 2, look, 3.2)
        for line in others:
            for p in (p for p in line.points if p.x == row):
                drawing.line(x(p.mean), middle - row_height / 2 + 4, x(p.mean), middle + row_height / 2 - 4, "null")
                drawing.marker(x(p.mean), middle - row_height / 2 + 4, style_of[line.name], 3.2)
    _legend(drawing, series, styles, left, floor + 52)
    return drawing


def interval_strip(point: Point | None, low: float, high: float, look: Look, zero: float | None = None) -> str:
    """A small mean with whiskers for a table cell; ``low`` and ``high`` are the column's common range."""
    drawing = Svg(
        132, 18, "" if point is None else f"{number(point.mean)}, {number(point.low)} to {number(point.high)}"
    )
    x = Axis(low, high, 6, 126)
    drawing.line(6, 9, 126, 9, "rule")
    if zero is not None and low <= zero <= high:
        drawing.line(x(zero), 1, x(zero), 17, "rule zero")
    if point is not None:
        if point.bounded:
            drawing.whisker(x(point.low), x(point.high), 9, look.css)
        drawing.marker(x(point.mean), 9, look)
    return drawing.render("strip")


def _range(points: Sequence[Point]) -> tuple[float, float]:
    values = [value for point in points for value in point.extent]
    return min(values), max(values)


def tick_room(ticks: Sequence[float]) -> float:
    """How much the labels of a vertical axis need."""
    return 12 + CHARACTER_PX * max(len(tick_text(tick)) for tick in ticks)


def y_axis(drawing: Svg, y: Axis, ticks: Sequence[float], left: float, right: float, words: str) -> None:
    """Rules and labels of a vertical axis, and what it shows above it."""
    for tick in ticks:
        drawing.line(left, y(tick), right, y(tick), "rule zero" if tick == 0 else "rule")
        drawing.text(left - 8, y(tick) + 4, tick_text(tick), "end", "tick")
    if words:
        drawing.text(0, 12, words, "start", "axis")


def _horizon_ticks(drawing: Svg, x: Axis, last: int, floor: float, narrow: bool) -> None:
    if x.log:
        ticks = [2**power for power in range(int(math.log2(last)) + 1)]
        ticks = ticks[:: 2 if narrow and len(ticks) > 6 else 1]
    else:
        round_ticks = nice_ticks(1, last, 5 if narrow else 8)
        ticks = [1, *(int(tick) for tick in round_ticks if 1 < tick <= last and float(tick).is_integer())]
    for tick in ticks:
        drawing.line(x(tick), floor, x(tick), floor + 4)
        drawing.text(x(tick), floor + 17, str(tick), "middle", "tick")
    drawing.text(x.end, floor + 34, "frames dreamed" + (" (log scale)" if x.log else ""), "end", "axis")


def _legend(drawing: Svg, series: Sequence[Series], styles: Sequence[Look], left: float, top: float) -> None:
    for row, (line, look) in enumerate(zip(series, styles, strict=True)):
        y = top + 18 * row
        drawing.path([(left, y), (left + 30, y)], look)
        drawing.marker(left + 15, y, look)
        drawing.text(left + 38, y + 4, line.name, css=f"name {look.css}")


def _some(points: Sequence[Point], wanted: int, x: Axis) -> list[Point]:
    """A few points, evenly apart on the page, first and last among them."""
    if len(points) <= wanted:
        return list(points)
    start, end = x(points[0].x), x(points[-1].x)
    places = [start + (end - start) * index / (wanted - 1) for index in range(wanted)]
    nearest = [min(points, key=lambda point: abs(x(point.x) - place)) for place in places]
    return list(dict.fromkeys(nearest))
