"""Whether a dream does what the actions, and shows what the words, say."""

from __future__ import annotations

from worldsim.core.registry import Registry


def add_to(metrics: Registry) -> None:
    metrics.add(
        "action_swap_2afc",
        "evals.metrics.choice:action_swap_2afc",
        "share of frames in which two dreams are nearest to the right one of two branches; chance is 0.5, blur no hurt",
        higher_is_better=True,
        proportion=True,
        unit="",
    )
    metrics.add(
        "inverse_dynamics",
        "evals.instruments.inverse_dynamics:SideTeller",
        "share of dreams, each by itself, from whose motion an instrument made of real clips tells what was played",
        higher_is_better=True,
        proportion=True,
        unit="",
    )
    metrics.add(
        "inverse_dynamics_real",
        "evals.instruments.inverse_dynamics:SideTeller",
        "the same of the scenarios' real branches: what can be reached",
        higher_is_better=None,
        proportion=True,
        unit="",
    )
    metrics.add(
        "inverse_dynamics_share",
        "evals.metrics.answering:balanced_share",
        "inverse_dynamics over that of real frames, each the mean of the families' means; 1 is as clear as the game",
        higher_is_better=True,
        unit="",
    )
    metrics.add(
        "turn",
        "evals.metrics.turning:compare_turns",
        "how far a dream turned the commanded way, in widths of the picture; what cannot be tracked has not turned",
        higher_is_better=None,
        unit="widths",
    )
    metrics.add(
        "turn_real",
        "evals.metrics.turning:compare_turns",
        "how far the game turned, by the same tracker in the same steps",
        higher_is_better=None,
        unit="widths",
    )
    metrics.add(
        "turn_response",
        "evals.metrics.turning:compare_turns",
        "turn over turn_real: 1 is the right dose, 0 ignores the command, 2 is twice, -1 the other way",
        higher_is_better=None,
        unit="",
    )
    metrics.add(
        "turn_slope",
        "evals.metrics.answering:dose_response",
        "slope of turn over turn_real from small turns to large ones: 1 is right, 0 turns the same whatever is asked",
        higher_is_better=None,
        unit="",
    )
    metrics.add(
        "turn_slope_low",
        "evals.metrics.answering:dose_response",
        "lower end of turn_slope's 95 % interval",
        higher_is_better=None,
        unit="",
    )
    metrics.add(
        "turn_slope_high",
        "evals.metrics.answering:dose_response",
        "upper end of turn_slope's 95 % interval",
        higher_is_better=None,
        unit="",
    )
    metrics.add(
        "latency_frames",
        "evals.metrics.latency:latency_frames",
        "by how many frames two dreams part later than the real branches; the whole horizon where they never do",
        higher_is_better=False,
        unit="frames",
    )
    metrics.add(
        "prompt_swap_2afc",
        "evals.metrics.choice:ordered_2afc",
        "of two dreams of two prompts, does each lie on its own prompt's side of the other? chance is 0.5",
        higher_is_better=True,
        proportion=True,
        unit="",
    )
    metrics.add(
        "predicate_accuracy",
        "evals.metrics.choice:ordered_2afc",
        "share of dreams that an instrument made of real frames takes for what their prompt says, each by itself",
        higher_is_better=True,
        proportion=True,
        unit="",
    )
    metrics.add(
        "instrument_accuracy",
        "evals.metrics.choice:ordered_2afc",
        "share of real clips about which the instrument of a text scenario is right",
        higher_is_better=None,
        unit="",
    )
