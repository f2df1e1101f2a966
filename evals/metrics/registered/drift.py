"""How long, and in what ways, a dream stays with its game."""

from __future__ import annotations

from worldsim.core.registry import Registry


def add_to(metrics: Registry) -> None:
    metrics.add(
        "mismatch",
        "evals.metrics.drift:mismatch",
        "1 - correlation with the real frame beyond the game's mean frame: 0 equal, 1 unrelated; fading wins nothing",
        higher_is_better=False,
        unit="",
    )
    metrics.add(
        "drift_horizon_frames",
        "evals.metrics.drift:horizon_frames",
        "frames until the dream is as far from the game as moments of unrelated real episodes (mismatch, smoothed)",
        higher_is_better=True,
        unit="frames",
    )
    metrics.add(
        "drift_censored",
        "evals.metrics.drift:horizon_frames",
        "share of scenarios that never got lost within the horizon, so that drift_horizon_frames is a lower bound",
        higher_is_better=None,
        proportion=True,
        unit="",
    )
    metrics.add(
        "motion_energy_ratio",
        "evals.metrics.drift:motion_energy_ratio",
        "frame-to-frame change of the dream over that of the game; 1 is right, 0 is frozen",
        higher_is_better=None,
        unit="",
    )
    metrics.add(
        "colour_drift",
        "evals.metrics.drift:colour_drift",
        "difference of the mean colour to the real frame's, in 8-bit steps",
        higher_is_better=False,
        unit="",
    )
    metrics.add(
        "reward_mae",
        "evals.metrics.drift:reward_mae",
        "mean absolute error of the reward, a step",
        higher_is_better=False,
        unit="",
    )
    metrics.add(
        "termination_false_alarm",
        "evals.metrics.drift:termination_false_alarm",
        "mean termination probability on steps that do not end the episode",
        higher_is_better=False,
        unit="",
    )
