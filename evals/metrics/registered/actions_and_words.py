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
