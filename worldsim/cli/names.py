"""What can be named on the command line: for ``worldsim ls``, for completion and for early did-you-mean. No torch."""

from __future__ import annotations

from collections.abc import Sequence

from worldsim.core.errors import UnknownNameError
from worldsim.core.registry import Entry, Registry
from worldsim.core.siblings import import_ours


def games() -> Registry:
    return import_ours("envs.registration").GAMES


def missing(game: Entry) -> str:
    """The package that a game needs and that is not installed, with the way to get it; "" where nothing is missing."""
    registration = import_ours("envs.registration")
    return registration.how_to_install(game) if registration.missing_dependency(game) else ""


def policies() -> Registry:
    return import_ours("envs.policies").POLICIES


def suites() -> Registry:
    return import_ours("evals.suites").SUITES


def controls() -> Registry:
    return import_ours("evals.controls").CONTROLS


def metrics() -> Registry:
    return import_ours("evals.metrics").METRICS


def captioners() -> Registry:
    from worldsim.captions import CAPTIONERS

    return CAPTIONERS


def captioner_names() -> list[str]:
    return captioners().names()


def expanders() -> Registry:
    from worldsim.text import PROMPT_EXPANDERS

    return PROMPT_EXPANDERS


def expander_names() -> list[str]:
    return expanders().names()


def environment_ids() -> list[str]:
    return games().names()


def policy_names() -> list[str]:
    return policies().names()


def policy_target(policy: str) -> str:
    """The "module:attribute" or "module:attribute@argument" of a policy's name, or of one given as such by the user.

    Raises WorldsimError for a name that is not registered, or with an argument that it does not take.
    """
    stem = policy.partition("@")[0].partition(":")[0]
    return policy if ":" in policy and stem not in policies() else policies().entry(policy).target


def suite_names() -> list[str]:
    return [*suites().names(), "all"]


def control_names() -> list[str]:
    return controls().names()


def is_control(name: str) -> bool:
    return import_ours("evals.controls").is_control(name)


def checkpoint_names() -> list[str]:
    from worldsim.simulators.checkpoints import shipped_names

    return shipped_names()


def simulator_names() -> list[str]:
    return [*checkpoint_names(), *control_names()]


def chosen(registry: Registry, wanted: Sequence[str]) -> list[str]:
    """``wanted`` with "all" spelled out; UnknownNameError for a name that is not registered.

    Raises WorldsimError for an argument ("name@number") that is missing or not taken.
    """
    if list(wanted) == ["all"]:
        return registry.names()
    for name in wanted:
        try:
            registry.entry(name)
        except UnknownNameError as error:
            raise UnknownNameError(error.kind, error.name, [*registry.names(), "all"]) from None
    return list(dict.fromkeys(wanted))
