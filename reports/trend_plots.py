"""Small drawings of a primary metric over training FLOPs, one for each suite, and of training losses."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from reports.numbers import tick_text
from reports.plots import Point, Series, tick_room, y_axis
from reports.svg import CHARACTER_PX, MODEL_LOOKS, Axis, Look, Svg, decades, nice_ticks

PANEL_WIDTH, PANEL_HEIGHT = 288, 224
REACH = 1.2  # a reference further from the models than this many times their range is named, not drawn


@dataclass(frozen=True)
class Reference:
    """A level to read the models against: the game, what the autoencoder allows, the best null."""

    name: str
    look: Look
    value: float


def trend_panel(
    points: Sequence[tuple[str, Look, Point]], references: Sequence[Reference], label: str, width: float = PANEL_WIDTH
) -> Svg:
    """Means with whiskers over FLOPs (``Point.x``, logarithmic), joined in order of compute, each with its name."""
    low = min(value for *_, point in points for value in point.extent)
    high = max(value for *_, point in points for value in point.extent)
    span = (high - low) or abs(high) * 0.1 or 1.0
    drawn = [r for r in references if low - REACH * span <= r.value <= high + REACH * span]
    above = [r for r in references if r not in drawn and r.value > high]
    below = [r for r in references if r not in drawn and r.value < low]
    levels = [low, high, *(r.value for r in drawn)]
    ticks = nice_ticks(min(levels), max(levels), 4)
    top, floor = 22 + 15 * len(above), PANEL_HEIGHT - 34 - 15 * len(below)
    drawing = Svg(width, PANEL_HEIGHT, label)
    left = tick_room(ticks)
    flops = [point.x for *_, point in points]
    ratio = max(2.0, (max(flops) / min(flops)) ** 0.12)
    x = Axis(min(flops) / ratio, max(flops) * ratio, left, width - 8, log=True)
    y = Axis(ticks[0], ticks[-1], floor, top)
    y_axis(drawing, y, ticks, left, x.end, "")
    for row, far in enumerate(above):
        drawing.text(x.end, 10 + 15 * row, f"↑ {far.name} {tick_text(far.value)}", "end", "tick")
    for row, far in enumerate(below):
        drawing.text(x.end, floor + 15 * (row + 1), f"↓ {far.name} {tick_text(far.value)}", "end", "tick")
    for reference in drawn:
        drawing.path([(left, y(reference.value)), (x.end, y(reference.value))], reference.look)
    _decade_ticks(drawing, x, PANEL_HEIGHT - 34, PANEL_HEIGHT - 18)
    drawing.text(x.end, PANEL_HEIGHT - 3, "training FLOPs", "end", "axis")
    ordered = sorted(points, key=lambda one: one[2].x)
    drawing.path([(x(p.x), y(p.mean)) for *_, p in ordered], Look("joined", "", "circle", 1))
    for _, look, p in ordered:
        if p.bounded:
            drawing.upright(x(p.x), y(p.low), y(p.high), look.css)
        drawing.marker(x(p.x), y(p.mean), look, 4.5)
    for (name, look, p), (at, anchor) in zip(ordered, _name_places(ordered, x), strict=True):
        drawing.text(at, y(max(p.extent)) - 7, name, anchor, f"name halo {look.css}")
    return drawing


def loss_panel(
    series: Sequence[Series], styles: Sequence[Look], y_label: str, label: str, width: float = PANEL_WIDTH
) -> Svg:
    """Training loss over FLOPs spent, both logarithmic; one line for each model."""
    everything = [p for line in series for p in line.points]
    top, floor = 26, 200
    low, high = min(p.mean for p in everything), max(p.mean for p in everything)
    drawing = Svg(width, floor + 40 + 18 * len(series), label)
    ticks = _log_ticks(low, high)
    left = tick_room(ticks)
    x = Axis(min(p.x for p in everything), max(p.x for p in everything) * 1.2, left, width - 12, log=True)
    y = Axis(ticks[0], ticks[-1], floor, top, log=True)
    y_axis(drawing, y, ticks, left, x.end, y_label)
    _decade_ticks(drawing, x, floor, floor + 17)
    drawing.text(x.end, floor + 33, "training FLOPs spent", "end", "axis")
    for row, (line, look) in enumerate(zip(series, styles, strict=True)):
        drawing.path([(x(p.x), y(p.mean)) for p in line.points], look)
        drawing.marker(x(line.points[-1].x), y(line.points[-1].mean), look, 4)
        at = floor + 40 + 18 * row
        drawing.path([(left, at), (left + 30, at)], look)
        drawing.marker(left + 15, at, look)
        drawing.text(left + 38, at + 4, line.name, css=f"name {look.css}")
    return drawing


def model_look(index: int) -> Look:
    return MODEL_LOOKS[index % len(MODEL_LOOKS)]


def _name_places(ordered: Sequence[tuple[str, Look, Point]], x: Axis) -> list[tuple[float, str]]:
    """Where each name goes: centred above its point, or turned inwards where it would leave the drawing."""
    places = []
    for name, _, p in ordered:
        half, at = CHARACTER_PX * len(name) / 2, x(p.x)
        if at + half > x.end:
            places.append((x.end, "end"))
        elif at - half < x.start:
            places.append((x.start + 4, "start"))
        else:
            places.append((at, "middle"))
    return places


def names_fit(names: Sequence[str], width: float = PANEL_WIDTH) -> bool:
    return CHARACTER_PX * sum(len(name) + 1 for name in names) < 0.8 * width


def _decade_ticks(drawing: Svg, x: Axis, floor: float, text_y: float) -> None:
    """Powers of ten, and 2 and 5 times these where there is but one."""
    powers = [p for p in decades(x.low, x.high) if x.low <= p <= x.high]
    if len(powers) < 2:
        powers = [f * p for p in decades(x.low / 10, x.high) for f in (1, 2, 5) if x.low <= f * p <= x.high]
    every = max(1, math.ceil(len(powers) * 46 / (x.end - x.start)))
    for power in powers[::every]:
        drawing.line(x(power), floor, x(power), floor + 4)
        drawing.text(x(power), text_y, power_text(power), "middle", "tick")


def power_text(value: float) -> str:
    """ "10¹⁴" or "2·10¹⁴"."""
    exponent = math.floor(math.log10(value) + 1e-9)
    factor = round(value / 10.0**exponent)
    raised = f"10{str(exponent).translate(str.maketrans('-0123456789', '⁻⁰¹²³⁴⁵⁶⁷⁸⁹'))}"
    return raised if factor == 1 else f"{factor}·{raised}"


def _log_ticks(low: float, high: float) -> list[float]:
    """1, 2 and 5 times powers of ten that cover a positive range."""
    everything = [factor * power for power in decades(low, high) for factor in (1, 2, 5)]
    everything = sorted({round(tick, 12) for tick in everything})
    first = max((tick for tick in everything if tick <= low), default=everything[0])
    last = min((tick for tick in everything if tick >= high), default=everything[-1])
    return [tick for tick in everything if first <= tick <= last]
