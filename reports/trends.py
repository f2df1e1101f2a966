"""Primary metrics against training compute: slope per decade with its interval, and whether every step goes one way.

Three scales are three points: no curve is fitted beyond a straight line in the logarithm, and flat is a finding.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reports.compare import LEVEL, Difference, Primary, contrast
from reports.numbers import count
from worldsim.core.statistics import Contrast, holm


@dataclass(frozen=True)
class Trend:
    """One primary over the models of known compute, smallest first.

    ``slope`` is in units of the metric for each tenfold of training FLOPs: least squares in every scenario that all
    models have, averaged over scenarios; ``adjusted_p`` by Holm over the trends, NaN if the primary is not judged.
    """

    primary: Primary
    places: list[int]  # columns of the primary's values
    flops: list[float]
    slope: Contrast
    steps: str
    adjusted_p: float = float("nan")

    @property
    def direction(self) -> str:
        """ "better" or "worse" with compute where that is shown, "flat" where it is not, "" where nothing is judged."""
        if not self.primary.judged or not np.isfinite(self.slope.low):
            return ""
        if not self.adjusted_p < LEVEL:
            return "flat"
        return "better" if self.primary.better(self.slope.mean) else "worse"

    @property
    def verdict(self) -> str:
        if not self.primary.judged:
            return self.primary.set_aside
        return {
            "better": "better with compute",
            "worse": "worse with compute",
            "flat": "no trend shown",
            "": "too few scenarios",
        }[self.direction]


def trends(found: Sequence[Primary], compared: Sequence[Difference]) -> list[Trend]:
    """A trend for each primary with two or more models of different known compute."""
    drawn = []
    for primary in found:
        places = [index for index, entry in enumerate(primary.entries) if entry.train_flops]
        flops = [float(primary.entries[index].train_flops or 0) for index in places]
        if len(set(flops)) < 2:
            continue
        slopes = slopes_per_decade(primary.values_SM[:, places], flops)
        steps = monotonicity(primary, places, compared)
        drawn.append(Trend(primary, places, flops, contrast(slopes, np.zeros_like(slopes)), steps))
    adjusted = holm([trend.slope.p_value if trend.primary.judged else float("nan") for trend in drawn])
    return [
        Trend(trend.primary, trend.places, trend.flops, trend.slope, trend.steps, p)
        for trend, p in zip(drawn, adjusted, strict=True)
    ]


def slopes_per_decade(values_SM: NDArray[np.float64], flops: Sequence[float]) -> NDArray[np.float64]:
    """(S,) least-squares slopes over log10 FLOPs (M,); NaN for a scenario that a model lacks.

    The slope of the means is the mean of these, so resampling scenarios keeps the models paired.
    """
    x = np.log10(np.asarray(flops, np.float64))
    centred = x - x.mean()
    # From the first model's, so that equal values have a slope of exactly 0 and not of a rounding error with a sign.
    return np.asarray((values_SM - values_SM[:, :1]) @ (centred / (centred**2).sum()))


def monotonicity(primary: Primary, places: Sequence[int], compared: Sequence[Difference]) -> str:
    """How the primary goes from each model to the next larger one, and how many of these steps are shown."""
    steps = []
    for small, large in itertools.pairwise(primary.entries[index] for index in places):
        steps += [d for d in compared if d.primary is primary and d.base is small and d.other is large]
    signs = [float(np.sign(step.found.mean)) for step in steps if np.isfinite(step.found.mean)]
    if len(signs) < len(places) - 1:
        return "not every step can be compared"
    kinds = ["same" if not sign else "better" if primary.better(sign) else "worse" for sign in signs]
    if len(kinds) == 1:
        return f"{kinds[0]}, one step"
    shown = sum(step.shown for step in steps)
    if len(set(kinds)) > 1:
        return f"not monotone: {', then '.join(kinds)}"
    said = "every step shown" if shown == len(kinds) else f"{shown} of {len(kinds)} steps shown"
    return f"{kinds[0]} at every step" + (f", {said}" if primary.judged and kinds[0] != "same" else "")


def summary_sentence(found: Sequence[Trend]) -> str:
    """What all trends say together."""
    one_game = len({trend.primary.key.game for trend in found}) == 1
    kinds = {
        "better": "better with compute",
        "flat": "with no trend shown",
        "worse": "worse with compute",
        "": "with too few scenarios",
    }
    named: dict[str, list[str]] = {kind: [] for kind in kinds}
    aside: list[str] = []
    for trend in found:
        name = trend.primary.key.suite if one_game else trend.primary.key.title
        (named[trend.direction] if trend.primary.judged else aside).append(name)
    judged = len(found) - len(aside)
    parts = [f"{len(names)} {kinds[kind]} ({', '.join(names)})" for kind, names in named.items() if names]
    said = [f"Of {count(judged, 'primary number')}: {'; '.join(parts)}."] if judged else []
    if aside:
        said.append(f"Drawn without a verdict, as not valid or only familiar: {', '.join(aside)}.")
    return " ".join(said)
