"""Captions from what a recording knows: camera, objects, actions, rewards. No model, and nothing that is not so."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from worldsim.captions.clip import Clip
from worldsim.captions.story import tell
from worldsim.captions.wording import STYLES, USUAL_STYLES, Writer
from worldsim.core.errors import UnknownNameError, WorldsimError
from worldsim.core.seeding import stream


@dataclass(frozen=True, kw_only=True)
class StateConfig:
    """Settings of :class:`StateCaptioner`."""

    styles: tuple[str, ...] = USUAL_STYLES  # one caption in each: dense, short, command, tags, scene, scene_command
    seed: int = 0  # which of equally true words are used

    def __post_init__(self) -> None:
        if not self.styles:
            raise WorldsimError(f"styles=[] writes nothing; choose from {', '.join(STYLES)}.")
        for style in self.styles:
            if style not in STYLES:
                raise UnknownNameError("caption style", style, STYLES)


class StateCaptioner:
    """One caption in each style for a clip; the words are a function of seed, table, clip and style.

    Tables without state are captioned from actions and rewards alone.
    """

    version = 3
    parallel = 1

    def __init__(self, config: StateConfig | None = None, name: str = ""):
        self.config, self.name = config or StateConfig(), name or "state"

    def settings(self) -> dict[str, Any]:
        return {"captioner": "state", **asdict(self.config)}

    def caption(self, clip: Clip) -> list[str]:
        """A text in each style."""
        story, place = tell(clip), clip.place
        return [
            Writer(story, stream(self.config.seed, "caption", clip.key, place.row, place.frames, style)).write(style)
            for style in dict.fromkeys(self.config.styles)
        ]
