"""The place a clip is in, where the game tells it: biome, hour, and the main thing while it is in view."""

from __future__ import annotations

from dataclasses import dataclass

from worldsim.captions import scene
from worldsim.captions.clip import Clip
from worldsim.captions.words import Noun, noun_of

PLACES = {
    "meadow": ("a meadow", "a green meadow", "a grassy plain"),
    "desert": ("a desert", "the desert", "a sandy desert"),
    "snow": ("a snowy plain", "the snow"),
    "forest": ("a forest", "the forest", "a green forest"),
}
TIMES = {
    "day": ("by day", "in daylight"),
    "dusk": ("at dusk", "in the evening"),
    "night": ("at night",),
    "dawn": ("at dawn",),
}
LEAST_IN_VIEW = 0.5  # of the frames, for the thing to be spoken of


@dataclass(frozen=True)
class Setting:
    """``places`` and ``times`` are equally true words; ``thing`` is None where it is out of view for most of a clip."""

    places: tuple[str, ...]
    times: tuple[str, ...]
    hour: str  # in a word: "day", "dusk", ...
    thing: Noun | None
    side: str  # where the thing is in the first frame: "left", "middle", "right" or ""


def setting(clip: Clip) -> Setting | None:
    """The setting of a clip; None where its game tells nothing, or in words of its own."""
    told = clip.truth[0].scene if clip.truth else None
    if clip.truth is None or told is None or told.get("biome") not in PLACES or told.get("time") not in TIMES:
        return None
    thing = noun_of(told.get("thing", ""))
    views = [
        any(noun_of(one.cls) == thing and scene.visible(one, clip.frame_shape) for one in truth.objects or ())
        for truth in clip.truth
    ]
    first = [seen for seen in scene.things_in_view(clip.truth[0], clip.frame_shape) if seen.noun == thing]
    return Setting(
        places=PLACES[told["biome"]],
        times=TIMES[told["time"]],
        hour=told["time"],
        thing=thing if sum(views) >= LEAST_IN_VIEW * len(views) else None,
        side=first[0].side if first else "",
    )
