"""Runs the rules over a game. A new rule is a function of a Subject in this table, with a broken game in its test."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from envs.contract import geometry, identity, interface, intervention, reproducibility, robustness, truth
from envs.contract.finding import Broken, Finding
from envs.contract.subject import Subject
from worldsim.core.errors import UnknownNameError

Rule = Callable[[Subject], str]

RULES: tuple[Rule, ...] = (
    interface.observation_is_a_frame,
    interface.frame_rate_is_named,
    interface.actions_have_a_codec,
    interface.gymnasium_accepts_it,
    interface.render_is_the_observation,
    interface.ends_are_clear,
    robustness.bad_actions_are_refused,
    robustness.what_is_handed_out_stays,
    robustness.task_is_text,
    reproducibility.seeds_reproduce,
    reproducibility.seeds_matter,
    reproducibility.branches_are_exact,
    reproducibility.snapshots_are_plain,
    reproducibility.snapshots_are_independent,
    truth.capabilities_are_as_listed,
    truth.depth_and_ids_are_images,
    truth.camera_is_a_pinhole,
    truth.ids_name_objects,
    identity.ids_persist,
    geometry.depth_and_camera_agree,
    intervention.interventions_do_what_they_say,
)


def rule_names() -> list[str]:
    return [rule.__name__ for rule in RULES]


def check_game(env_id: str, only: Sequence[str] | None = None, **kwargs: Any) -> list[Finding]:
    """Check a registered game, made with ``kwargs``, against every rule, or ``only`` against those named.

    One finding per rule, in the order of the table; a rule in which the game crashes is not kept.
    Raises UnknownNameError for a rule that does not exist, and what ``make_game`` raises for the game.
    """
    for name in only or ():
        if name not in rule_names():
            raise UnknownNameError("rule", name, rule_names())
    subject = Subject(env_id, kwargs)
    try:
        subject.env  # noqa: B018  a game that cannot be made is the caller's error, not a finding
        return [_run(rule, subject) for rule in RULES if only is None or rule.__name__ in only]
    finally:
        subject.close()


def _run(rule: Rule, subject: Subject) -> Finding:
    try:
        return Finding(rule.__name__, True, rule(subject))
    except Broken as broken:
        return Finding(rule.__name__, False, str(broken))
    except Exception as error:
        return Finding(rule.__name__, False, f"the game fails: {type(error).__name__}: {error}")
