"""Whether what was out of sight, or was done, is still there."""

from __future__ import annotations

from worldsim.core.registry import Registry


def add_to(metrics: Registry) -> None:
    metrics.add(
        "permanence",
        "evals.metrics.counterfactual:project",
        "how much of what was out of sight is back, and nothing else, if one really looked away: "
        "agreement x looked_away",
        higher_is_better=True,
        unit="",
    )
    metrics.add(
        "persistence",
        "evals.metrics.counterfactual:project",
        "how much of what was done is still to be seen, and nothing else: agreement x looked_away",
        higher_is_better=True,
        unit="",
    )
    metrics.add(
        "at_once",
        "evals.metrics.counterfactual:project",
        "how much of what was done is to be seen in the frame right after it: was it ever there?",
        higher_is_better=True,
        unit="",
    )
    metrics.add(
        "agreement",
        "evals.metrics.counterfactual:project",
        "rho over what the dream shows too much of and keeps showing; 1 for the game alone",
        higher_is_better=True,
        unit="",
    )
    metrics.add(
        "rho",
        "evals.metrics.counterfactual:project",
        "generated contrast of two branches projected on the real one; 1 in the game, 0 where it is forgotten",
        higher_is_better=True,
        unit="",
    )
    metrics.add(
        "leak",
        "evals.metrics.counterfactual:project",
        "energy of the generated contrast where the real branches do not differ, in energies of the real one",
        higher_is_better=False,
        unit="",
    )
    metrics.add(
        "looked_away",
        "evals.metrics.counterfactual:looked_away",
        "how little of the thing is left in view while it should be out of sight; 0 is a still picture",
        higher_is_better=True,
        unit="",
    )
    metrics.add(
        "identity",
        "evals.instruments.colour_tracker:ColourTracker",
        "share of scored frames and subjects found with their colours, at their own place rather than another's",
        higher_is_better=True,
        unit="",
    )
    metrics.add(
        "count_error",
        "evals.instruments.colour_tracker:ColourTracker",
        "by how many the things with the subject's colours are too many or too few",
        higher_is_better=False,
        unit="",
    )
    metrics.add(
        "position_error_px",
        "evals.instruments.colour_tracker:ColourTracker",
        "how far from their places subjects are found, where they are found",
        higher_is_better=False,
        unit="px",
    )
    metrics.add(
        "instrument_iou",
        "evals.instruments.colour_tracker:ColourTracker",
        "overlap with the truth of where the instrument finds the subject in the real scored frames",
        higher_is_better=None,
        unit="",
    )
    metrics.add(
        "advanced",
        "evals.metrics.counterfactual:nearest",
        "share of moving subjects that are where they would be by now",
        higher_is_better=True,
        proportion=True,
        unit="",
    )
    metrics.add(
        "frozen",
        "evals.metrics.counterfactual:nearest",
        "share of moving subjects that are where they were last seen",
        higher_is_better=None,
        proportion=True,
        unit="",
    )
    metrics.add(
        "vanished",
        "evals.metrics.counterfactual:nearest",
        "share of moving subjects that are gone",
        higher_is_better=False,
        proportion=True,
        unit="",
    )
    metrics.add(
        "half_life_frames",
        "evals.metrics.lasting:lasting",
        "frames after which half of what was there at first is left; the longest lag where more is",
        higher_is_better=True,
        unit="frames",
    )
    metrics.add(
        "half_life_low_frames",
        "evals.metrics.lasting:lasting",
        "lower end of the half-life's 95 % interval",
        higher_is_better=None,
        unit="frames",
    )
    metrics.add(
        "half_life_high_frames",
        "evals.metrics.lasting:lasting",
        "upper end of the half-life's 95 % interval",
        higher_is_better=None,
        unit="frames",
    )
