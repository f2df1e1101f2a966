"""What was seen of a place before: every place of a frame from the newest frame before it that shows it.

A camera that looks away and back sees again what left the picture, and a product of homographies
(:mod:`worldsim.models.motion`) says where in which frame it was. A mosaic knows nothing of depth: where a camera walks
it is off by the parallax, the more the older the frame, and it tells how old each place is.

Legend: B clips or slots, S frames that get a mosaic, D frames of a volume, M frames a mosaic can be made of, Q cells,
N = h * w places, C latent channels, h and w latent sides. Places are in halves of a side from the middle, across and
down.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

from worldsim.models.cache import PerSlot

_CELL = 2  # latents across and down that are taken from one frame
_NEAREST = 0.05  # third coordinate of a place in front of the camera, at least


def clip_paths(homography_BT33: Tensor, window: int) -> Tensor:
    """From frames 1 to T of clips to the frames before each, ``window`` at most: (B, T, M, 3, 3), the newest last.

    ``homography_BT33[:, t]`` brings places of frame t + 1 to frame t.
    """
    T = homography_BT33.shape[1]
    size = min(window, T)
    itself_B133 = torch.eye(3, device=homography_BT33.device).expand(len(homography_BT33), 1, 3, 3)
    paths_BM33, paths = homography_BT33[:, :0], []
    for t in range(T):
        kept_BM33 = paths_BM33[:, max(0, paths_BM33.shape[1] + 1 - size) :]
        paths_BM33 = torch.cat((kept_BM33, itself_B133), 1) @ homography_BT33[:, t, None]
        paths.append(F.pad(paths_BM33, (0, 0, 0, 0, size - paths_BM33.shape[1], 0)))
    return torch.stack(paths, 1)


def clip_mosaics(frames_BTChw: Tensor, paths_BTM33: Tensor, oldest: int) -> Tensor:
    """What frames 1 to T of clips show of places that frames 0 to T - 1 have shown: (B, T, C + 1, h, w).

    The last channel is how new a place is: 1 for the frame before, 1/2 for the one before that, 1/``oldest`` for all
    that are older, 0 where no frame shows it; there stands the edge of the frame before.
    """
    T, size = paths_BTM33.shape[1:3]
    age_M = torch.arange(size, 0, -1, device=frames_BTChw.device)
    frame_TM = torch.arange(1, T + 1, device=age_M.device)[:, None] - age_M
    age_TM = torch.where(frame_TM >= 0, age_M, 0)
    volume_BCThw = frames_BTChw.float().transpose(1, 2)
    seen_BTChw = seen(volume_BCThw, paths_BTM33, frame_TM.clamp(min=0)[None], age_TM[None], oldest)
    return seen_BTChw.to(frames_BTChw.dtype)


def seen(volume_BCDhw: Tensor, paths_BSM33: Tensor, frame_BSM: Tensor, age_BSM: Tensor, oldest: int) -> Tensor:
    """Mosaics (B, S, C + 1, h, w) of the frames ``frame_BSM`` of a volume, to which paths lead from each new frame.

    ``age_BSM`` is 0 where there is no such frame.
    """
    h, w = volume_BCDhw.shape[-2:]
    cell_Q3, point_N3, cell_of_N = _grid(h, w, volume_BCDhw.device)
    none = age_BSM.shape[2] + 1
    with torch.no_grad():
        place_BSM3Q = paths_BSM33 @ cell_Q3.T
        front_BSMQ = place_BSM3Q[..., 2, :]
        inside_BSMQ = (place_BSM3Q[..., :2, :].abs().amax(3) <= front_BSMQ) & (front_BSMQ > _NEAREST)
        age_BSMQ = age_BSM[..., None].masked_fill(age_BSM[..., None] == 0, none)
        age_BSQ, best_BSQ = torch.where(inside_BSMQ, age_BSMQ, none).min(2)
        best_BSQ = torch.where(age_BSQ == none, age_BSMQ.argmin(2), best_BSQ)
        new_BSQ = torch.where(age_BSQ == none, 0.0, 1.0 / age_BSQ.clamp(max=oldest))
        frame_BSQ = frame_BSM.expand(*best_BSQ.shape[:2], -1).gather(2, best_BSQ)
    path_BSQ33 = paths_BSM33.gather(2, best_BSQ[..., None, None].expand(-1, -1, -1, 3, 3))
    place_BSN3 = (path_BSQ33.index_select(2, cell_of_N) * point_N3[:, None]).sum(-1)
    across_down = place_BSN3[..., :2] / place_BSN3[..., 2:].clamp(min=_NEAREST)
    depth_BSQ = (2 * frame_BSQ + 1) / volume_BCDhw.shape[2] - 1  # as grid_sample counts
    grid_BSN3 = torch.cat((across_down.clamp(-2, 2), depth_BSQ.index_select(2, cell_of_N)[..., None]), -1)
    seen_BCShw = F.grid_sample(volume_BCDhw, grid_BSN3.unflatten(2, (h, w)), padding_mode="border", align_corners=False)
    new_BShw = new_BSQ.index_select(2, cell_of_N).unflatten(2, (h, w))
    return torch.cat((seen_BCShw.transpose(1, 2), new_BShw[:, :, None]), 2)


@lru_cache(maxsize=32)
def _grid(h: int, w: int, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """The middles of the cells (Q, 3) and of all places (N, 3): across, down, 1; and the cell of each place."""
    down, across = h // _cell(h), w // _cell(w)
    cell_hw = torch.arange(down * across, device=device).view(down, across)
    cell_of_hw = cell_hw.repeat_interleave(h // down, 0).repeat_interleave(w // across, 1)
    return middles(down, across, device), middles(h, w, device), cell_of_hw.flatten()


def middles(h: int, w: int, device: torch.device) -> Tensor:
    """The middles of h * w places row after row (N, 3): across and down from -1 to 1, and 1."""
    sides = ((torch.arange(side, device=device) + 0.5) / side * 2 - 1 for side in (h, w))
    y, x = torch.meshgrid(*sides, indexing="ij")
    return torch.stack((x, y, torch.ones_like(x)), -1).flatten(0, 1)


def _cell(side: int) -> int:
    return _CELL if side % _CELL == 0 and side > 8 else 1


@dataclass
class Mosaic(PerSlot):
    """The last M frames of each slot of a rollout, the paths to them, and what they show of the newest frame."""

    frames_BCMhw: Tensor  # float32; the frame of time t at t % M
    paths_BM33: Tensor  # from the newest frame
    seen_BChw: Tensor  # C + 1 channels; of the newest frame
    oldest: int  # as in training; M may be more

    @classmethod
    def empty(cls, slots: int, channels: int, h: int, w: int, frames: int, oldest: int, device: torch.device) -> Mosaic:
        """Of streams of no frame yet."""
        return cls(
            torch.zeros(slots, channels, frames, h, w, device=device),
            torch.eye(3, device=device).repeat(slots, frames, 1, 1),
            torch.zeros(slots, channels + 1, h, w, device=device),
            oldest,
        )

    def fill(self, frames_BTChw: Tensor, homography_BT33: Tensor) -> Tensor:
        """Take in frames 0 to T - 1 of empty streams; what is seen of frames 1 to T, the last of them the newest."""
        room, T = self.frames_BCMhw.shape[2], frames_BTChw.shape[1]
        paths_BTM33 = clip_paths(homography_BT33, room)
        size = paths_BTM33.shape[2]
        time_M = torch.arange(T - size, T, device=frames_BTChw.device)
        self.frames_BCMhw[:, :, time_M % room] = frames_BTChw[:, time_M].float().transpose(1, 2)
        self.paths_BM33[:, time_M % room] = paths_BTM33[:, -1]
        seen_BTChw = clip_mosaics(frames_BTChw, paths_BTM33, self.oldest)
        self.seen_BChw = seen_BTChw[:, -1].float()
        return seen_BTChw

    def add(self, frame_BChw: Tensor, time_B: Tensor, homography_B33: Tensor) -> Tensor:
        """Take in the frame of each slot's time, and go on to the next: what is seen of it (B, C + 1, h, w)."""
        room = self.frames_BCMhw.shape[2]
        slot_B, place_B = torch.arange(len(time_B), device=time_B.device), time_B % room
        self.frames_BCMhw[slot_B, :, place_B] = frame_BChw.float()
        self.paths_BM33[slot_B, place_B] = torch.eye(3, device=time_B.device)
        self.paths_BM33 = self.paths_BM33 @ homography_B33[:, None]
        place_M = torch.arange(room, device=time_B.device)
        age_BM = (time_B[:, None] - place_M) % room + 1
        age_BM = torch.where(age_BM <= time_B[:, None] + 1, age_BM, 0)
        paths_B1M33, place_11M, age_B1M = self.paths_BM33[:, None], place_M[None, None], age_BM[:, None]
        self.seen_BChw = seen(self.frames_BCMhw, paths_B1M33, place_11M, age_B1M, self.oldest)[:, 0]
        return self.seen_BChw
