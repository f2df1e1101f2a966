"""What frames are shown beside: those before them, and what was seen of their places.

Legend: B clips, T frames, F frames of the sequence, S context frames, M frames a mosaic is made of, C latent channels,
h and w latent sides.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from worldsim.models.clips import Entry
from worldsim.models.mosaic import clip_mosaics, clip_paths, clip_wear
from worldsim.models.motion import Motion, Steps
from worldsim.models.pose import Pose


@dataclass
class Reference:
    """The frames before, which frames are predicted as a change to; and as they are now, with their mosaics."""

    before_BTChw: Tensor
    seen_BTChw: Tensor | None  # 2 (C + 1) channels
    steps: Steps | None = None  # on from each context frame, where clips are read

    def frames(self, chosen: slice) -> Reference:
        """Of some frames of each clip."""
        seen_BTChw = None if self.seen_BTChw is None else self.seen_BTChw[:, chosen]
        return Reference(self.before_BTChw[:, chosen], seen_BTChw, self.steps)

    def last(self) -> Reference:
        """Of the last frame where frames come first (F, B, C, h, w), as (B, 1, C, h, w)."""
        return Reference(
            self.before_BTChw[-1][:, None], None if self.seen_BTChw is None else self.seen_BTChw[-1][:, None]
        )


def reference_of(entry: Entry, motion: Motion | None, window: int) -> Reference:
    """Of whole clips; mosaics are made of the last ``window`` context frames, where the network has any motion."""
    before_BFChw = entry.reference_BFChw
    if motion is None:
        return Reference(before_BFChw, None)
    if not entry.follows:  # no action leads here from what is shown beside
        return Reference(before_BFChw, F.pad(before_BFChw, (0, 0, 0, 0, 0, 1)).repeat(1, 1, 2, 1, 1))
    clips, T = len(before_BFChw), before_BFChw.shape[1] - entry.predicted
    context_BSChw = (entry.frames_BFChw if entry.clean_BTChw is None else entry.clean_BTChw)[:, : T - 1]
    given = (x.unflatten(0, (clips, -1))[:, 1:T] for x in (entry.inputs.action_FA, entry.inputs.known_F))
    steps = motion.along(Pose.unknown(clips, before_BFChw.device), context_BSChw, *given)
    paths_BSM33, wear = clip_paths(steps.homography_BT33, window), clip_wear(steps, window, entry.own_BT)
    seen_BSChw = clip_mosaics(context_BSChw, paths_BSM33, wear, window)
    seen_BFChw = torch.cat((torch.zeros_like(seen_BSChw[:, :1]), seen_BSChw, seen_BSChw), 1)
    return Reference(before_BFChw, seen_BFChw, steps)
