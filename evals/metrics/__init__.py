"""Metrics by name: what each says, in which direction it is better, and whether it is a proportion.

``"psnr@8"`` is the metric ``psnr`` at horizon 8 (frames are counted from 1, the frame after the first action).
"""

from __future__ import annotations

from worldsim.core.registry import Entry, Registry

METRICS = Registry("metric")
METRICS.add(
    "action_swap_2afc",
    "evals.metrics.choice:action_swap_2afc",
    "of two dreams and two real branches, are the right ones the nearest? chance is 0.5; blur does not hurt it",
    higher_is_better=True,
    proportion=True,
    unit="",
)
METRICS.add(
    "prompt_swap_2afc",
    "evals.metrics.choice:ordered_2afc",
    "of two dreams of two prompts, does each lie on its own prompt's side of the other? chance is 0.5",
    higher_is_better=True,
    proportion=True,
    unit="",
)
METRICS.add(
    "predicate_accuracy",
    "evals.metrics.choice:ordered_2afc",
    "share of dreams that an instrument made of real frames takes for what their prompt says, each by itself",
    higher_is_better=True,
    proportion=True,
    unit="",
)
METRICS.add(
    "instrument_accuracy",
    "evals.metrics.choice:ordered_2afc",
    "share of real clips about which the instrument of a text scenario is right",
    higher_is_better=None,
    unit="",
)
METRICS.add(
    "psnr",
    "evals.metrics.pixels:psnr",
    "peak signal-to-noise ratio to the real frame, capped at 100 dB; rewards blur over a sharp wrong guess",
    higher_is_better=True,
    unit="dB",
)
METRICS.add(
    "psnr_gain",
    "evals.metrics.pixels:psnr",
    "PSNR above that of the last context frame held still",
    higher_is_better=True,
    unit="dB",
)
METRICS.add(
    "mse",
    "evals.metrics.pixels:mse",
    "mean squared error to the real frame, in squared 8-bit steps",
    higher_is_better=False,
    unit="",
)
METRICS.add(
    "mismatch",
    "evals.metrics.drift:mismatch",
    "1 - correlation with the real frame beyond the game's mean frame: 0 equal, 1 unrelated; fading wins nothing",
    higher_is_better=False,
    unit="",
)
METRICS.add(
    "drift_horizon_frames",
    "evals.metrics.drift:horizon_frames",
    "frames until the dream is as far from the game as moments of unrelated real episodes (mismatch, smoothed)",
    higher_is_better=True,
    unit="frames",
)
METRICS.add(
    "drift_censored",
    "evals.metrics.drift:horizon_frames",
    "share of scenarios that never got lost within the horizon, so that drift_horizon_frames is a lower bound",
    higher_is_better=None,
    proportion=True,
    unit="",
)
METRICS.add(
    "motion_energy_ratio",
    "evals.metrics.drift:motion_energy_ratio",
    "frame-to-frame change of the dream over that of the game; 1 is right, 0 is frozen",
    higher_is_better=None,
    unit="",
)
METRICS.add(
    "colour_drift",
    "evals.metrics.drift:colour_drift",
    "difference of the mean colour to the real frame's, in 8-bit steps",
    higher_is_better=False,
    unit="",
)
METRICS.add(
    "reward_mae",
    "evals.metrics.drift:reward_mae",
    "mean absolute error of the reward, a step",
    higher_is_better=False,
    unit="",
)
METRICS.add(
    "termination_false_alarm",
    "evals.metrics.drift:termination_false_alarm",
    "mean termination probability on steps that do not end the episode",
    higher_is_better=False,
    unit="",
)


def metric_entry(name: str) -> Entry:
    """The entry of a value's metric: ``psnr@8`` and ``psnr`` are the same one."""
    return METRICS.entry(name.partition("@")[0])
