"""All that can truly be said about a clip, gathered once; :mod:`worldsim.captions.wording` makes texts of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from worldsim.captions import events, scene
from worldsim.captions.changes import without_state
from worldsim.captions.clip import Clip
from worldsim.captions.facts import Act, Happening
from worldsim.captions.motion import holds_camera, motion
from worldsim.captions.setting import Setting, setting
from worldsim.captions.words import Noun, noun_of
from worldsim.captions.worlds import heading, world_of

MOST_THINGS = 7
Group = tuple[Noun, int, str, str]  # noun, count, side, reach, see worldsim.captions.scene.grouped


@dataclass(frozen=True)
class Story:
    """What a clip shows."""

    first_person: bool  # the actions move who looks
    places: tuple[str, ...]  # words for where it is, equally true
    heading: str  # "north", ... at the start, or ""
    view: list[Group]  # at the start
    arrivals: list[Group]  # in view at the end and not at the start
    departures: list[Group]  # in view at the start and not at the end
    acts: list[Act]  # in order of time
    happenings: list[Happening]
    outcome: list[str]  # imperative clauses about the player
    ended: bool
    fps: float
    setting: Setting | None = None  # biome, hour and main thing, where the game tells them


def tell(clip: Clip) -> Story:
    """The story of a clip; parts for which the table has no state stay empty."""
    view: list[scene.Seen] = []
    end: list[scene.Seen] = []
    if clip.truth:
        view = scene.things_in_view(clip.truth[0], clip.frame_shape)
        end = scene.things_in_view(clip.truth[-1], clip.frame_shape)
    # What is too small to be spoken of, but there, neither comes nor goes; nor does a door that opens.
    at_start = _in_frame(clip, 0)
    at_end = _in_frame(clip, -1)
    edited = events.edits(clip)
    taken = {act.noun for act in edited if act.noun}
    moved, happened = motion(clip), events.happenings(clip)
    if clip.truth and not holds_camera(clip):  # the camera moves by itself
        happened += [_camera_moves(act) for act in moved if act.verb not in ("stand", "press", "take")]
        moved = [act for act in moved if act.verb in ("press", "take")]
    acts = sorted([*moved, *edited], key=lambda act: (act.start, act.end))
    where = setting(clip)
    return Story(
        first_person=holds_camera(clip),
        places=_places(where, clip.env_id),
        heading=heading(clip, 0),
        view=scene.grouped(view, MOST_THINGS),
        arrivals=[group for group in scene.grouped(end, MOST_THINGS) if not _names(group) & (at_start | taken)],
        departures=[group for group in scene.grouped(view, MOST_THINGS) if not _names(group) & (at_end | taken)],
        acts=_without_idling(acts),
        happenings=happened,
        outcome=events.outcome(clip),
        ended=clip.terminated,
        fps=clip.fps,
        setting=where,
    )


def _camera_moves(act: Act) -> Happening:
    return Happening(act.start, Noun("", "camera"), 1, act.verb, act.way)


def _in_frame(clip: Clip, frame: int) -> set[Noun]:
    """What is to be seen in a frame, by the names it has at the start and at the end of the clip."""
    if not clip.truth:
        return set()
    shown = {one.id for one in clip.truth[frame].objects or () if one.visible_pixels > 0}
    return {noun_of(one.cls) for end in (0, -1) for one in clip.truth[end].objects or () if one.id in shown}


def _names(group: Group) -> set[Noun]:
    """What the things of a group are called, with their state and without it."""
    return {group[0], without_state(str(group[0]).replace(" ", "_"))}


def _without_idling(acts: Sequence[Act]) -> list[Act]:
    """Standing still is worth a word only where nothing else is done."""
    doing = [act for act in acts if act.verb != "stand"]
    return doing or list(acts)


def _places(where: Setting | None, env_id: str) -> tuple[str, ...]:
    if where:
        return tuple(f"{place} {time}" for place in where.places for time in where.times)
    return world_of(env_id).places or (_name_of_game(env_id),)


def _name_of_game(env_id: str) -> str:
    name = re.sub(r"-v\d+$", "", env_id.rpartition("/")[2].rpartition(":")[2])
    words = re.sub(r"(?<=[a-z])(?=[A-Z])|[_\-]+", " ", name).lower()
    return f"the game {words}"
