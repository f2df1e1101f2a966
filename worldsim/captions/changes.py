"""What is done to things that stay: doors that open, lamps that go on, cakes that are bitten, creatures that are hit.

A class in the table of objects follows the state of its object: a "closed_door" is an "open_door" later.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from worldsim.captions.clip import Clip
from worldsim.captions.scene import NEAR_M, visible
from worldsim.captions.words import CREATURES, Noun, noun_of
from worldsim.core.types import ObjectState

CHANGES = {
    "open": "open", "closed": "close", "on": "switch on", "off": "switch off", "lit": "switch on",
    "unlit": "switch off", "bitten": "bite", "painted": "paint on",
}  # fmt: skip
GRADUAL = ("bitten", "painted")  # words before a number that tells how much: each change of it is done once more
HANDS_M = 6.0  # what goes farther away was not broken by hand
THROWN_M_S, THROWN_UP_M_S = 2.5, 2.0  # what a creature gains away from who hits it, and upwards


def change(clip: Clip, before: ObjectState, after: ObjectState, eye: NDArray[np.float64] | None) -> tuple[str, Noun]:
    """What was done to a thing whose class has changed, and its name without its state; the verb is "" for nothing.

    The lamp in another room, whose switch is here, is not spoken of.
    """
    near = eye is not None and float(np.linalg.norm(np.asarray(after.position_m) - eye)) < NEAR_M
    noun = without_state(after.cls)
    if not (near or visible(before, clip.frame_shape) or visible(after, clip.frame_shape)):
        return "", noun
    old, new = before.cls.lower().split("_"), after.cls.lower().split("_")
    verb = next((verb for word, verb in CHANGES.items() if word in new and (word not in old or word in GRADUAL)), "")
    return ("flip" if verb and noun.name == "switch" else verb), noun


def without_state(cls: str) -> Noun:
    """The name of a thing, be it open or closed."""
    return noun_of("_".join(word for word in cls.split("_") if word.lower() not in CHANGES))


def is_hit(clip: Clip, one: ObjectState, now: ObjectState, eye: NDArray[np.float64] | None) -> bool:
    """Whether a creature in reach is thrown up and away from the player in this step; by itself it does not go so."""
    if eye is None or clip.up is None or not any(word in str(noun_of(one.cls)) for word in CREATURES):
        return False
    away = np.asarray(one.position_m) - eye
    level = away - (away @ clip.up) * clip.up
    gain = np.asarray(now.velocity_m_s) - np.asarray(one.velocity_m_s)
    thrown = gain @ level > THROWN_M_S * np.linalg.norm(level) and now.velocity_m_s @ clip.up > THROWN_UP_M_S
    return bool(thrown and np.linalg.norm(away) < HANDS_M)
