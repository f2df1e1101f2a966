"""Planted faults: the real game with one known thing wrong, by ``planted/<fault>@<severity>``.

A fault is a function ``(case, game, severity, rng) -> dict[branch, DreamBranch]`` made of the case's real branches, or
of the real game played with other actions or edits. Severity is in (0, 1] and grows with what is wrong; ``rng`` is the
same at every severity of a scenario, so that severities differ in nothing else. A fault that cannot be made in a case
raises CannotPlant with the reason.
"""

from __future__ import annotations

from worldsim.core.errors import UnknownNameError, WorldsimError
from worldsim.core.registry import Registry

PREFIX = "planted/"
SEVERITIES = (0.25, 0.5, 1.0)
MEDIUM = 0.5

FAULTS = Registry("planted fault")
_PICTURES, _ACTIONS, _WORLDS = (f"evals.controls.planted.{module}" for module in ("pictures", "actions", "worlds"))
FAULTS.add("blur", f"{_PICTURES}:blur", "frames out of focus")


class CannotPlant(WorldsimError):
    """The fault cannot be made in this case; it says nothing about the suite."""


def fault_name(fault: str, severity: float) -> str:
    """The name of the control: "planted/blur@0.5"."""
    return f"{PREFIX}{fault}@{severity:g}"


def parse_fault(name: str) -> tuple[str, float]:
    """Fault and severity (1 where none is given) of ``planted/<fault>@<severity>``.

    Raises UnknownNameError for a fault that is not registered and WorldsimError for a severity outside (0, 1].
    """
    fault, at, text = name.removeprefix(PREFIX).partition("@")
    if fault not in FAULTS:
        raise UnknownNameError(FAULTS.kind, fault, FAULTS.names())
    try:
        severity = float(text) if at else 1.0
    except ValueError:
        severity = float("nan")
    if not 0 < severity <= 1:
        raise WorldsimError(f"{name!r}: a severity is a number above 0 and up to 1, as in {fault_name(fault, MEDIUM)}.")
    return fault, severity
