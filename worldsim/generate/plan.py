"""One plan for every generation task: which frames are given, which are made, which are partly renoised.

Legend: T frames, H and W pixels, S transitions between frames (T - 1, and T in a loop), A action channels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from worldsim.core.errors import WorldsimError
from worldsim.core.records import content_hash
from worldsim.core.types import Frames


@dataclass(frozen=True, eq=False)
class VideoPlan:
    """What a video is made from.

    ``start_level_T``: 0 a frame that is given and kept, 1 one made from pure noise, between them one that is renoised
    to that level first (an edit). ``frames_THW3`` matters where the level is below 1. ``actions_SA``: row s leads from
    frame s to the next one, in a loop the last row back to the first frame; a row of NaN is an unknown action.
    ``causal``: frame by frame, each seeing only what was before; otherwise the whole clip at once.
    ``loop``: the first frame comes after the last one again.
    """

    start_level_T: NDArray[np.float32]
    frames_THW3: Frames
    actions_SA: NDArray[np.float32] | None = None
    causal: bool = False
    loop: bool = False

    def __post_init__(self) -> None:
        levels, pixels = self.start_level_T, self.frames_THW3
        if len(levels) < 1:
            raise WorldsimError(f"a video of {len(levels)} frames cannot be made; it needs at least 1.")
        if not ((levels >= 0) & (levels <= 1)).all():
            wrong = levels[~((levels >= 0) & (levels <= 1))][0]
            raise WorldsimError(f"a frame cannot start from noise level {wrong:g}; levels go from 0 to 1.")
        assert pixels.dtype == np.uint8 and pixels.ndim == 4 and len(pixels) == len(levels), pixels.shape
        if self.actions_SA is not None and len(self.actions_SA) != self.transitions:
            raise WorldsimError(
                f"{self.frames} frames have {self.transitions} actions between them; {len(self.actions_SA)} were given."
            )
        if self.causal and self.loop:
            raise WorldsimError("a loop cannot be made frame by frame: its first frame comes after its last one.")
        if self.causal and (np.sort(levels) != levels).any() | ((levels != 0) & (levels != 1)).any():
            raise WorldsimError(
                "frame by frame, what is given has to come first and to be kept; make this clip all at once."
            )

    @property
    def frames(self) -> int:
        return len(self.start_level_T)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.frames_THW3.shape[1], self.frames_THW3.shape[2]

    @property
    def transitions(self) -> int:
        return self.frames if self.loop else self.frames - 1

    @property
    def given_T(self) -> NDArray[np.bool_]:
        return self.start_level_T == 0

    @cached_property
    def open_S(self) -> NDArray[np.bool_]:
        """Transitions from or to a frame that is not given."""
        made = self.start_level_T > 0
        return (made | np.roll(made, -1))[: self.transitions]

    def with_actions(self, rows: NDArray[np.float32]) -> VideoPlan:
        """The plan with ``rows`` as the actions of its open transitions; one row is that of every one of them.

        Raises WorldsimError for another number of rows, or another number of channels than those known already.
        """
        rows, count = np.atleast_2d(np.asarray(rows, np.float32)), int(self.open_S.sum())
        if len(rows) not in (1, count):
            raise WorldsimError(
                f"{len(rows)} actions were given; this video has {count} steps from or to a frame that is made, "
                "so give that many or one for all."
            )
        known = np.full((self.transitions, rows.shape[1]), np.nan, np.float32)
        if self.actions_SA is not None:
            if self.actions_SA.shape[1] != rows.shape[1]:
                raise WorldsimError(
                    f"the actions given have {rows.shape[1]} channels, those of the given frames "
                    f"{self.actions_SA.shape[1]}; record both with one game."
                )
            known[:] = self.actions_SA
        known[self.open_S] = rows
        return replace(self, actions_SA=known)

    def describe(self) -> dict[str, Any]:
        """Plain data from which the plan can be told from any other: levels as [count, level] runs, and hashes."""
        kept = self.frames_THW3[self.start_level_T < 1]
        return {
            "frames": self.frames,
            "height": self.size[0],
            "width": self.size[1],
            "start_levels": [[len(list(run)), float(level)] for level, run in groupby(self.start_level_T.tolist())],
            "given_hash": content_hash(kept.tobytes()) if len(kept) else None,
            "actions": None if self.actions_SA is None else self.actions_SA,
            "causal": self.causal,
            "loop": self.loop,
        }


# Called with the units of work done and those there are.
Report = Callable[[int, int], None]


class VideoGenerator(Protocol):
    """Makes videos from plans; what one plan gives does not depend on which others are made beside it."""

    def generate(
        self,
        plans: Sequence[VideoPlan],
        prompts: Sequence[str],
        seeds: Sequence[int],
        progress: Report | None = None,
    ) -> list[Frames]:
        """One video (T, H, W, 3) a plan; "" is no prompt. WorldsimError for a plan that the model cannot do."""
        ...
