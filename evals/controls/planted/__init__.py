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
FAULTS.add("blur", f"{_PICTURES}:blur", "frames out of focus; severity is the width")
FAULTS.add("fade", f"{_PICTURES}:fade", "contrast goes away with time; severity is the share gone in the end")
FAULTS.add("freeze", f"{_PICTURES}:freeze", "the picture stops; severity is the share of frames")
FAULTS.add("hue_drift", f"{_PICTURES}:hue_drift", "hues turn with time; severity is how far in the end")
FAULTS.add("loop", f"{_PICTURES}:loop", "the same frames come again and again; severity is the share of frames")
FAULTS.add("ripples", f"{_PICTURES}:ripples", "as seen through moving water; severity is the amplitude")
FAULTS.add("delayed", f"{_ACTIONS}:delayed", "actions take effect late; severity is how late")
FAULTS.add("ignored", f"{_ACTIONS}:ignored", "the first actions do nothing; severity is their share")
FAULTS.add("scaled", f"{_ACTIONS}:scaled", "actions do too little; severity is the share that is missing")
FAULTS.add("swapped", f"{_ACTIONS}:swapped", "other actions are obeyed; severity is the share of steps")
FAULTS.add("duplicate", f"{_WORLDS}:duplicate", "a thing is seen twice; severity is how much of the second")
FAULTS.add("edit_elsewhere", f"{_WORLDS}:edit_elsewhere", "what was done shows elsewhere; severity is how much of it")
FAULTS.add("fade_edit", f"{_WORLDS}:fade_edit", "what was done goes away; severity is the share gone in the end")
FAULTS.add("recolour", f"{_WORLDS}:recolour", "a thing has another colour; severity is the share of it")
FAULTS.add("revert_edit", f"{_WORLDS}:revert_edit", "what was done is undone; severity is the share of it")
FAULTS.add("shuffled_prompts", f"{_WORLDS}:shuffled_prompts", "another prompt is followed; severity is for how long")
FAULTS.add("swap_identity", f"{_WORLDS}:swap_identity", "two things exchange colours; severity is the share of them")
FAULTS.add("teleport", f"{_WORLDS}:teleport", "a thing is elsewhere; severity is the share of it")
FAULTS.add("vanish", f"{_WORLDS}:vanish", "a thing is gone; severity is the share of it")

_CAMERAS = "evals.controls.planted.cameras"
FAULTS.add("warped_geometry", f"{_CAMERAS}:warped_geometry", "as seen through uneven glass; severity is how uneven")
FAULTS.add("wrong_camera", f"{_CAMERAS}:wrong_camera", "the camera goes the other way; severity is the share of steps")

_MOTION = "evals.controls.planted.motion"
FAULTS.add("double_gravity", f"{_MOTION}:double_gravity", "bodies fall too fast; severity is how much, 1 is twice")
FAULTS.add("half_gravity", f"{_MOTION}:half_gravity", "bodies fall too slowly; severity is how much, 1 is half")
FAULTS.add(
    "pass_through", f"{_MOTION}:pass_through", "bodies sink into each other; severity is the share of their size"
)
FAULTS.add("time_warp", f"{_MOTION}:time_warp", "all is too slow; severity is the share of the speed that is missing")
_SUBJECTS = "evals.controls.planted.subjects"
FAULTS.add("still", f"{_SUBJECTS}:still", "a part of the picture stands still; severity is the share of it")
FAULTS.add("stop", f"{_SUBJECTS}:stop", "a moving thing waits out of sight; severity is the share of it")


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
