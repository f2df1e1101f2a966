"""What is seen again from beyond the window, and which whole frames: those that looked the same way, or looked alike.

Every frame has a descriptor of unit length, and the archived frames whose descriptors have the largest cosine with what
the next frame will show are recalled, newer ones first where several are as good.

Legend: B slots, F remembered frames, D descriptor, M recalled frames, A action channels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from worldsim.core.actions import CAMERA_CHANNELS, ActionCodec
from worldsim.core.errors import UnknownNameError, WorldsimError
from worldsim.models.cache import PerSlot

WAYS = ("camera", "latent")
PLACES = 256  # frames beyond the window that a mosaic goes back, unless told otherwise
_LONGEST_MOSAIC = 3072
_POOLED = 4  # latents are compared on a grid of this many cells a side
_NEWER = 1e-4  # cosine that the newest frame is ahead of the oldest; a turn by one degree is 1.5e-4


@dataclass(frozen=True)
class MemoryConfig:
    """What is seen again that left the window: places, and whole frames.

    A network that was trained with motion=true is shown places: its mosaics go back ``mosaic`` frames beyond the window
    (:mod:`worldsim.models.mosaic`), unless told otherwise 256 where it knows a camera that turns, else 0. Of any
    network up to ``frames`` frames are shown again, out of the ``archive`` that left the window last. ``by`` says
    which: "camera", those seen in the direction that the named turns of the camera lead to (where the player stands is
    not asked); "latent", those that look like the newest frame; "", the camera where it can be turned.
    """

    frames: int = 0
    archive: int = 512
    by: str = ""
    mosaic: int | None = None

    def __post_init__(self) -> None:
        for name in ("frames", "archive", "mosaic"):
            value = getattr(self, name)
            if not isinstance(value, int) and (name, value) != ("mosaic", None):
                raise WorldsimError(f"{name}={value!r} of a memory must be a whole number of frames.")
        if not 0 <= self.frames <= self.archive:
            raise WorldsimError(
                f"a memory of frames={self.frames} out of archive={self.archive} cannot be: frames must be 0 or more, "
                "and the archive no fewer."
            )
        if not 0 <= (self.mosaic or 0) <= _LONGEST_MOSAIC:
            raise WorldsimError(f"mosaic={self.mosaic} of a memory must be 0 to {_LONGEST_MOSAIC} frames.")
        if self.by and self.by not in WAYS:
            raise UnknownNameError("way to recall frames", self.by, WAYS)

    def resolved(self, codec: ActionCodec) -> str:
        """The way frames are recalled with these actions; WorldsimError where the camera has no channels."""
        turns = [name for name in CAMERA_CHANNELS if name in codec.names]
        if self.by == "camera" and not turns:
            raise WorldsimError(
                f"frames cannot be recalled by=camera: the actions have none of {', '.join(CAMERA_CHANNELS)}; "
                "use by=latent."
            )
        return self.by or ("camera" if turns else "latent")


def read_memory(settings: Mapping[str, Any]) -> MemoryConfig:
    """From what somebody typed. Raises WorldsimError."""
    known = [field.name for field in fields(MemoryConfig)]
    for key in settings:
        if key not in known:
            raise UnknownNameError("setting of memory", key, known)
    return MemoryConfig(**settings)


@dataclass
class Recollection(PerSlot):
    """Descriptors of the frames that can be recalled, and of those on their way out of the window."""

    turned_B2: Tensor  # degrees down and to the right since the stream began
    seen_BFD: Tensor  # the frame of time t at t % F

    def recall(self, newest_BD: Tensor, wanted_BD: Tensor, time_B: Tensor, config: MemoryConfig, sinks: int) -> Tensor:
        """Take in the newest frame, of ``time_B``; times (B, M) of the frames to recall, -1 for none."""
        count = self.seen_BFD.shape[1]
        window = count - config.archive
        slot_B = torch.arange(len(time_B), device=time_B.device)
        self.seen_BFD[slot_B, time_B % count] = newest_BD
        age_BF = (time_B[:, None] - torch.arange(count, device=time_B.device)) % count
        time_BF = time_B[:, None] - age_BF
        cosine_BF = (self.seen_BFD @ wanted_BD[..., None])[..., 0] - _NEWER * age_BF / count
        there_BF = (age_BF >= window) & (time_BF >= sinks)
        best_BM = cosine_BF.masked_fill(~there_BF, -torch.inf).topk(config.frames).indices
        return torch.where(there_BF, time_BF, -1).gather(1, best_BM)


class Recaller:
    """Describes frames in one of the ``WAYS``."""

    def __init__(self, config: MemoryConfig, codec: ActionCodec, window: int, sinks: int):
        self.config, self.way = config, config.resolved(codec)
        self._codec, self._window, self._sinks = codec, window, sinks

    def empty(self, latents_BChw: Tensor) -> Recollection:
        """For streams of these latents' size."""
        slots = len(latents_BChw)
        width = 3 if self.way == "camera" else _pooled(latents_BChw).shape[1]
        seen_BFD = latents_BChw.new_zeros(slots, self.config.archive + self._window, width)
        return Recollection(latents_BChw.new_zeros(slots, 2), seen_BFD)

    def next(self, past: Recollection, newest_BChw: Tensor, time_B: Tensor, action_BA: Tensor) -> Tensor:
        """Times (B, M) of the frames to recall for the frame after the newest one; actions in their own units."""
        if self.way == "latent":
            newest_BD = wanted_BD = _pooled(newest_BChw)
        else:
            newest_BD = _direction(past.turned_B2)
            down, right = (self._turn(action_BA, name) for name in CAMERA_CHANNELS)
            turned_B2 = past.turned_B2 + torch.stack((down, right), 1)
            past.turned_B2 = torch.stack((turned_B2[:, 0].clamp(-90, 90), turned_B2[:, 1] % 360), 1)
            wanted_BD = _direction(past.turned_B2)
        return past.recall(newest_BD, wanted_BD, time_B, self.config, self._sinks)

    def _turn(self, action_BA: Tensor, name: str) -> Tensor:
        """Degrees by which each slot turns; none where it is not known."""
        if name not in self._codec.names:
            return torch.zeros_like(action_BA[:, 0])
        return action_BA[:, self._codec.names.index(name)].nan_to_num(0.0)


def _direction(turned_B2: Tensor) -> Tensor:
    """Unit vectors (B, 3) of the camera's direction."""
    down, right = turned_B2.deg2rad().unbind(1)
    return torch.stack((down.cos() * right.sin(), down.sin(), down.cos() * right.cos()), 1)


def _pooled(z_BChw: Tensor) -> Tensor:
    return F.normalize(F.adaptive_avg_pool2d(z_BChw, _POOLED).flatten(1), dim=1)
