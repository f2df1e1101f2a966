"""What a clip changes in the world: from the table of objects frame by frame, the rewards and the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from worldsim.captions.changes import HANDS_M, change, is_hit, without_state
from worldsim.captions.clip import Clip
from worldsim.captions.facts import Act, Happening
from worldsim.captions.motion import holds_camera
from worldsim.captions.scene import visible
from worldsim.captions.words import CREATURES, NUMBERS, Noun, noun_of
from worldsim.core.types import GroundTruth, ObjectState

Objects = Mapping[int, ObjectState]
TOUCH_M = 1.6  # from the eye, level: what goes at this distance was taken
MOVED_M, FELL_M = 0.35, 0.35
HIT_M_S, MOVING_M_S = 0.15, 0.3
REWARD = 0.05  # smaller ones are the small change of a shaped reward
TOGETHER_STEPS = 16
NOT_TAKEN = ("barrel", "dead", "player")
EFFECTS = ("puff", "fog", "smoke", "blood", "flash", "trail", "ball", "rocket", "spark")
TIMES = ("", "", "twice", *(f"{word} times" for word in NUMBERS[3:]))


def edits(clip: Clip) -> list[Act]:
    """What the player does to things: places, breaks, picks up, opens; in order of time, equal ones in one."""
    found: list[tuple[Act, int]] = []  # with the id of the thing

    def add(t: int, verb: str, noun: Noun, number: int) -> None:
        found.append((Act(t, t + 1, verb, noun=noun), number))

    attack, use = clip.pressed("attack"), clip.pressed("use")
    for t, (before, after) in enumerate(pairwise(_tables(clip))):
        eye = _eye(clip, t)
        if (pushed := _push(clip, t, before, after)) is not None:
            found.append(pushed)
        for number in after.keys() - before.keys():
            if after[number].cls.startswith("placed") and (use[t] or "use" not in clip.codec.names):
                add(t, "place", noun_of(after[number].cls), number)
        for number, one in before.items():
            now = after.get(number)
            if one.alive and (now is None or not now.alive):
                verb = _ending_verb(one, eye, bool(attack[t]), bool(use[t]), left_table=now is None)
                if verb:
                    add(t, verb, without_state(one.cls), number)
            elif now is not None and now.cls != one.cls and use[t]:
                verb, noun = change(clip, one, now, eye)
                if verb:
                    add(t, verb, noun, number)
            elif now is not None and attack[t] and is_hit(clip, one, now, eye):
                add(t, "hit", noun_of(one.cls), number)
    acts = _together(found)
    if not any(act.verb in ("break", "defeat", "hit") for act in acts) and attack.sum() >= 2:
        start = int(np.argmax(attack))
        acts.append(Act(start, start + int(attack.sum()), "attack", minor=True))
    return acts


def happenings(clip: Clip) -> list[Happening]:
    """What moves, appears or goes by itself in view, and how the clip ends; the most striking first."""
    tables = _tables(clip)
    found = [*_comings(clip, tables), *([] if holds_camera(clip) else _meetings(clip, tables)), *_moves(clip, tables)]
    groups: dict[tuple[Noun | None, str, str], list[Happening]] = {}
    for one in found:
        groups.setdefault((one.noun, one.verb, one.way), []).append(one)
    return [
        Happening(min(one.start for one in same), noun, sum(one.count for one in same), verb, way)
        for (noun, verb, way), same in groups.items()
    ]


def outcome(clip: Clip) -> list[str]:
    """Clauses about rewards and the end, about the player: "earns a reward", "reaches the beacon"."""
    clauses = []
    good, bad = int((clip.rewards >= REWARD).sum()), int((clip.rewards <= -REWARD).sum())
    reached = _reached(clip)
    if good:
        clauses.append("earn a reward" if good == 1 else "earn several rewards")
    if bad:
        clauses.append("lose reward")
    return [*([f"reach the {reached}"] if reached else []), *clauses]


def _tables(clip: Clip) -> list[Objects]:
    return [{one.id: one for one in truth.objects or ()} for truth in clip.truth or ()]


def _eye(clip: Clip, t: int) -> NDArray[np.float64] | None:
    camera = clip.truth[t].camera if clip.truth else None
    return None if camera is None else camera.T_world_camera[:3, 3]


def _ending_verb(
    one: ObjectState, eye: NDArray[np.float64] | None, attacked: bool, used: bool, left_table: bool
) -> str:
    """What the player did to a thing that was there before a step and is not after it; "" where that is not known.

    Blocks that are broken stay in the table as no longer alive. What leaves it was taken, if it was within reach.
    """
    name = str(noun_of(one.cls))
    if eye is None or _is_effect(one.cls) or any(word in name for word in NOT_TAKEN):
        return ""
    if any(word in name for word in CREATURES):
        return "defeat" if attacked and not left_table else ""
    if "bitten" in one.cls.lower().split("_"):
        return "finish" if used else ""
    distance = float(np.linalg.norm(np.asarray(one.position_m) - eye))
    loose = left_table or "item" in one.cls.lower()
    if attacked and not loose and distance < HANDS_M:
        return "break"
    # The middle of a thing on the floor is below the eye by a body's height.
    return "pick up" if distance < np.hypot(TOUCH_M, 1.7) else ""


def _push(clip: Clip, t: int, before: Objects, after: Objects) -> tuple[Act, int] | None:
    """A push that begins in step t: what it sets in motion is what speeds up most, if that goes the way of the push."""
    strength, x, y = (clip.channel(f"push_{name}") for name in ("strength", "x", "y"))
    if strength is None or x is None or y is None or strength[t] <= 0 or (t > 0 and strength[t - 1] > 0):
        return None
    way = np.array([x[t], y[t], 0.0])
    gains = {
        number: np.asarray(after[number].velocity_m_s) - np.asarray(one.velocity_m_s)
        for number, one in before.items()
        if one.alive and number in after and after[number].alive
    }
    if not gains or np.linalg.norm(way) < 1e-3:
        return None
    most = max(gains, key=lambda number: float(np.linalg.norm(gains[number])))
    gain = gains[most]
    if np.linalg.norm(gain) < 0.1 or gain @ way < 0.7 * np.linalg.norm(gain) * np.linalg.norm(way):
        return None
    return Act(t, t + 1, "push", noun=noun_of(before[most].cls)), most


def _is_effect(cls: str) -> bool:
    return any(word in cls.lower() for word in EFFECTS)


def _together(found: Sequence[tuple[Act, int]]) -> list[Act]:
    """Acts of one kind on one kind of thing that follow each other closely: how many things, or how often to one."""
    groups: list[list[tuple[Act, int]]] = []
    for act, number in found:
        last = groups[-1][-1][0] if groups else None
        if last and (last.verb, last.noun) == (act.verb, act.noun) and act.start - last.end < TOGETHER_STEPS:
            groups[-1].append((act, number))
        else:
            groups.append([(act, number)])
    return [_as_one(group) for group in groups]


def _as_one(group: Sequence[tuple[Act, int]]) -> Act:
    first, last = group[0][0], group[-1][0]
    things = len({number for _, number in group})
    # A held brush paints in every step, which is one stroke.
    often = things == 1 and first.verb in ("bite", "hit") and len(group) < len(TIMES)
    amount = TIMES[len(group)] if often else ""
    return Act(first.start, last.end, first.verb, noun=first.noun, count=things, amount=amount)


def _moves(clip: Clip, tables: Sequence[Objects]) -> list[Happening]:
    """Displacements over the clip of what is in view at both ends of it."""
    if not tables or clip.up is None or not clip.truth or clip.truth[0].camera is None:
        return []
    axes = clip.truth[0].camera.T_world_camera[:3, :3]
    found = []
    for number, one in tables[0].items():
        last = tables[-1].get(number)
        if last is None or not visible(one, clip.frame_shape) or not visible(last, clip.frame_shape):
            continue
        moved = np.asarray(last.position_m) - np.asarray(one.position_m)
        rise = float(moved @ clip.up)
        level = moved - rise * clip.up
        way, verb = "", ""
        if abs(rise) > max(FELL_M, float(np.linalg.norm(level))):
            verb = "fall" if rise < 0 else "rise"
        elif np.linalg.norm(level) > MOVED_M:
            right, ahead = float(level @ axes[:, 0]), float(level @ axes[:, 2])
            verb = "move"
            if abs(right) > 1.5 * abs(ahead):
                way = "to the right" if right > 0 else "to the left"
            elif abs(ahead) > 1.5 * abs(right):
                way = "away" if ahead > 0 else "closer"
        if verb:
            start = _first_motion(tables, number)
            found.append(Happening(start, noun_of(one.cls), 1, verb, way))
    return found


def _meetings(clip: Clip, tables: Sequence[Objects]) -> list[Happening]:
    """Things that hit each other, and things that come to rest.

    Two have hit each other where, in one step, they and no others gain speed against one another.
    """
    found = []
    hit: set[tuple[int, int]] = set()
    for t, (before, after) in enumerate(pairwise(tables)):
        gains = {
            number: np.asarray(after[number].velocity_m_s) - np.asarray(one.velocity_m_s)
            for number, one in before.items()
            if number in after and one.alive and after[number].alive and visible(one, clip.frame_shape)
        }
        struck = [number for number, gain in gains.items() if np.linalg.norm(gain) > HIT_M_S]
        if len(struck) != 2:
            continue
        a, b = sorted(struck, key=lambda number: -float(np.linalg.norm(before[number].velocity_m_s)))
        cosine = gains[a] @ gains[b] / (np.linalg.norm(gains[a]) * np.linalg.norm(gains[b]))
        if cosine < -0.8 and (a, b) not in hit and (b, a) not in hit:
            hit.add((a, b))
            found.append(Happening(t, noun_of(before[a].cls), 1, "hit", noun_of(before[b].cls).the))
    last = tables[-1] if tables else {}
    for number, one in last.items():
        past = [objects[number] for objects in tables if number in objects]
        speeds = np.array([np.linalg.norm(state.velocity_m_s) for state in past])
        if (
            visible(one, clip.frame_shape)
            and speeds.max() > MOVING_M_S
            and len(speeds) > 5
            and speeds[-4:].max() < 0.02
        ):
            found.append(Happening(len(tables), noun_of(one.cls), 1, "come", "to rest"))
    return found


def _first_motion(tables: Sequence[Objects], number: int) -> int:
    origin = np.asarray(tables[0][number].position_m)
    for t, objects in enumerate(tables):
        if number in objects and np.linalg.norm(np.asarray(objects[number].position_m) - origin) > 0.1:
            return t
    return 0


def _comings(clip: Clip, tables: Sequence[Objects]) -> list[Happening]:
    found, known = [], set(tables[0]) if tables else set()
    for t, objects in enumerate(tables[1:], start=1):
        broken = _shattered(tables[t - 1], objects)
        found += [Happening(t, noun_of(one.cls), 1, "shatter") for one in broken]
        for number in objects.keys() - known:
            one = objects[number]
            if (
                not broken
                and not one.cls.startswith("placed")
                and not _is_effect(one.cls)
                and visible(one, clip.frame_shape)
            ):
                found.append(Happening(t, noun_of(one.cls), 1, "appear"))
        known |= objects.keys()
    return found


def _shattered(before: Objects, after: Objects) -> list[ObjectState]:
    """Things that are gone in the step in which several pieces appear."""
    pieces = [number for number in after.keys() - before.keys() if "shard" in after[number].cls]
    if len(pieces) < 2:
        return []
    return [one for number, one in before.items() if one.alive and not (number in after and after[number].alive)]


def _reached(clip: Clip) -> Noun | None:
    """The thing that was touched in the step that ended the episode well."""
    if not (clip.terminated and len(clip.rewards) and clip.rewards[-1] > 0.5 and clip.truth):
        return None
    truth: GroundTruth = clip.truth[-1]
    if truth.camera is None or clip.up is None:
        return None
    eye = truth.camera.T_world_camera[:3, 3]
    near = []
    for one in truth.objects or ():
        away = np.asarray(one.position_m) - eye
        level_m = float(np.linalg.norm(away - (away @ clip.up) * clip.up))
        if one.alive and level_m < TOUCH_M and any(word in one.cls.lower() for word in GOALS):
            near.append((level_m, one.cls))
    return noun_of(min(near)[1]) if near else None


GOALS = ("beacon", "armor", "goal", "exit", "flag", "vest", "portal")
