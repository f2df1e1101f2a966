"""A few SVG shapes, axes and line styles; colours come from the page's style sheet by class."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from html import escape

CHARACTER_PX = 7.2  # mean advance of the 12 px interface font, for margins


@dataclass(frozen=True)
class Look:
    """How one line is told from the others, with and without colour."""

    css: str
    dash: str = ""
    marker: str = "circle"
    width: float = 1.6


MODEL_LOOKS = (
    Look("m0", "", "circle", 2.6),
    Look("m1", "9 4", "square", 2.6),
    Look("m2", "3 3", "triangle", 2.6),
    Look("m3", "12 3 3 3", "diamond", 2.6),
)
ORACLE_LOOK = Look("oracle", "2 3", "plus")
CEILING_LOOKS = (Look("ceiling", "7 4", "diamond"), Look("ceiling", "2 2", "triangle"))
NULL_LOOKS = tuple(
    Look("null", dash, marker)
    for dash, marker in (("1 4", "cross"), ("5 3", "plus"), ("2 3", "square"), ("7 2 1 2", "triangle"), ("3 5", "ring"))
)


def looks(roles: Sequence[str]) -> list[Look]:
    """One look for each of a list of roles; simulators of one role take turns."""
    styles = {"model": MODEL_LOOKS, "oracle": (ORACLE_LOOK,), "ceiling": CEILING_LOOKS}
    seen: dict[str, int] = {}
    chosen = []
    for role in roles:
        style = styles.get(role, NULL_LOOKS)
        chosen.append(style[seen.get(role, 0) % len(style)])
        seen[role] = seen.get(role, 0) + 1
    return chosen


@dataclass
class Svg:
    """A drawing of fixed size in its own units; ``label`` is what a screen reader says, "" of an ornament."""

    width: float
    height: float
    label: str
    parts: list[str] = field(default_factory=list)

    def line(self, x1: float, y1: float, x2: float, y2: float, css: str = "rule") -> None:
        self.parts.append(f'<line class="{css}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>')

    def text(self, x: float, y: float, words: str, anchor: str = "start", css: str = "") -> None:
        self.parts.append(
            f'<text class="{css}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'.replace(
                ' class=""', ""
            )
        )

    def rect(self, x: float, y: float, width: float, height: float, css: str) -> None:
        self.parts.append(
            f'<rect class="{css}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="1.5"/>'
        )

    def path(self, points: Sequence[tuple[float, float]], look: Look) -> None:
        if points:
            drawn = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
            dash = f' stroke-dasharray="{look.dash}"' if look.dash else ""
            self.parts.append(f'<path class="line {look.css}" d="{drawn}" stroke-width="{look.width}"{dash}/>')

    def band(self, low: Sequence[tuple[float, float]], high: Sequence[tuple[float, float]], look: Look) -> None:
        if low:
            drawn = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in [*low, *reversed(high)]) + "Z"
            self.parts.append(f'<path class="band {look.css}" d="{drawn}"/>')

    def marker(self, x: float, y: float, look: Look, size: float = 3.6) -> None:
        s, d = size, 2 * size
        css = f"mark {look.css}"
        shapes: dict[str, str] = {
            "circle": f'<circle class="{css}" cx="{x:.1f}" cy="{y:.1f}" r="{s}"/>',
            "ring": f'<circle class="{css} open" cx="{x:.1f}" cy="{y:.1f}" r="{s}"/>',
            "square": self._polygon(css, [(x - s, y - s), (x + s, y - s), (x + s, y + s), (x - s, y + s)]),
            "triangle": self._polygon(css, [(x, y - 1.2 * s), (x + 1.1 * s, y + s), (x - 1.1 * s, y + s)]),
            "diamond": self._polygon(css, [(x, y - 1.3 * s), (x + 1.3 * s, y), (x, y + 1.3 * s), (x - 1.3 * s, y)]),
            "plus": f'<path class="stroke {css}" d="M{x - s:.1f} {y:.1f}h{d}M{x:.1f} {y - s:.1f}v{d}"/>',
            "cross": f'<path class="stroke {css}" d="M{x - s:.1f} {y - s:.1f}l{d} {d}m0 {-d}l{-d} {d}"/>',
        }
        self.parts.append(shapes[look.marker])

    def whisker(self, x1: float, x2: float, y: float, css: str) -> None:
        self.line(x1, y, x2, y, f"whisker {css}")
        for x in (x1, x2):
            self.line(x, y - 3, x, y + 3, f"whisker {css}")

    def upright(self, x: float, y1: float, y2: float, css: str) -> None:
        """A whisker that stands."""
        self.line(x, y1, x, y2, f"whisker {css}")
        for y in (y1, y2):
            self.line(x - 4, y, x + 4, y, f"whisker {css}")

    @staticmethod
    def _polygon(css: str, points: Sequence[tuple[float, float]]) -> str:
        return f'<polygon class="{css}" points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in points)}"/>'

    def render(self, css: str = "") -> str:
        told = f'role="img" aria-label="{escape(self.label)}"' if self.label else 'aria-hidden="true"'
        return (
            f'<svg class="{css}" viewBox="0 0 {self.width:.0f} {self.height:.0f}" width="{self.width:.0f}" '
            f'height="{self.height:.0f}" {told}>{"".join(self.parts)}</svg>'
        )


@dataclass(frozen=True)
class Axis:
    """Maps values to positions; with ``log`` the values are placed by their logarithm."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        forward: Callable[[float], float] = math.log if self.log else float
        low, high = forward(self.low), forward(self.high)
        share = (forward(value) - low) / (high - low) if high > low else 0.5
        return self.start + share * (self.end - self.start)


def nice_ticks(low: float, high: float, wanted: int = 5) -> list[float]:
    """Round values (1, 2, 2.5 or 5 times a power of ten) that cover the range."""
    if not high > low:
        pad = abs(low) * 0.1 or 0.5
        low, high = low - pad, high + pad
    rough = (high - low) / max(1, wanted - 1)
    power = 10 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(index * step, 12) for index in range(first, last + 1)]


def decades(low: float, high: float) -> list[float]:
    """Powers of ten that cover a positive range."""
    return [10.0**power for power in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)]


def spread(positions: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Moves label positions apart until neighbours are ``gap`` away, within [low, high], keeping their order."""
    order = sorted(range(len(positions)), key=lambda index: positions[index])
    placed = list(positions)
    for before, index in zip([None, *order], order, strict=False):
        floor = low if before is None else placed[before] + gap
        placed[index] = max(placed[index], floor)
    ceiling = high
    for index in reversed(order):
        placed[index] = min(placed[index], ceiling)
        ceiling = placed[index] - gap
    return placed
