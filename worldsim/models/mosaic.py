"""What was seen of a place before: every place of a frame from the frame before it that shows it best.

A camera that looks away and back sees again what left the picture, and a product of homographies
(:mod:`worldsim.models.motion`) says where in which frame it was. A mosaic knows nothing of depth: where a camera walks
it is off by the parallax, and where something is done the picture changes. So frames *wear* with every step that does
more than turn the camera, and a place is taken from a frame that is worn least, of equals the oldest. A frame that the
network made itself is a drawing of what was real, and begins as worn as a real one some steps later; but one of before
something was done to the world comes after it, as what was done is not in it. Beside the mosaic stands the frame
before, moved, with the mosaic around it: there is what was done, and less parallax. The network is told how worn each
place of either is. Both are made of frames without noise: how noised the one is that a place comes from, nobody would
know.

Legend: B clips or slots, S frames that get a mosaic, D frames of a volume, M frames a mosaic can be made of, Q cells,
N = h * w places, C latent channels, h and w latent sides. Places are in halves of a side from the middle, across and
down.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from worldsim.models.cache import PerSlot
from worldsim.models.pose import Pose

if TYPE_CHECKING:
    from worldsim.models.motion import Steps

_CELL = 2  # latents across and down that are taken from one frame
_NEAREST = 0.05  # third coordinate of a place in front of the camera, at least
_LONGEST = 4096  # frames that a mosaic can be made of
_MANY = 64  # frames of which cells are chosen one by one; of more a few are chosen first, by _ANCHORS a side
_ANCHORS, _OUTERMOST = 5, 0.97  # the last of them in halves of a side from the middle
_OWN = 3.0  # steps that wear a real frame as much as drawing it does
_MOVED = 0.5  # of such a step is what a frame is the worse for where a cell has to be moved
_SAME_PLACE = 0.25  # latents by which a cell is off where it counts as not moved


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


def clip_wear(steps: Steps, window: int, own_BT: Tensor | None = None) -> Wear:
    """How worn the same frames are, (B, T, M); ``own_BT`` is 1 where a frame, 0 to T - 1, is not real."""
    worn_BTM, acted_BTM = (_clip_sums(each_BT, window) for each_BT in (steps.worn_BT, steps.acted_BT))
    if own_BT is not None:
        T = steps.worn_BT.shape[1]
        worn_BTM = worn_BTM + _OWN * own_BT[:, _clip_frames(T, min(window, T), own_BT.device).clamp(min=0)]
    return Wear(worn_BTM, acted_BTM)


def _clip_sums(each_BT: Tensor, window: int) -> Tensor:
    """Over the steps from each of the same frames to the new one (B, T, M)."""
    T = each_BT.shape[1]
    before_BT = F.pad(each_BT.cumsum(1), (1, 0))  # each frame, 0 to T
    frame_TM = _clip_frames(T, min(window, T), each_BT.device)
    return before_BT[:, 1:, None] - before_BT[:, frame_TM.clamp(min=0)]


def clip_mosaics(frames_BTChw: Tensor, paths_BTM33: Tensor, wear: Wear, oldest: int, room: int = 0) -> Tensor:
    """What frames 1 to T of clips show of places that frames 0 to T - 1 have shown: (B, T, 2 (C + 1), h, w).

    First the frame before, moved, with the mosaic around it, then the mosaic alone. The last channel of each is how new
    a place of it is: 1 where it is not worn, 1/2 after one step, a third after two, no less than after ``oldest``, 0
    where no frame shows it; there stands the edge of the frame before. ``room`` is how many frames a rollout will
    choose from, where that is more.
    """
    T, size = paths_BTM33.shape[1:3]
    frame_TM = _clip_frames(T, size, frames_BTChw.device)
    age_TM = torch.where(frame_TM >= 0, torch.arange(size, 0, -1, device=frame_TM.device), 0)
    volume_BCThw = frames_BTChw.float().transpose(1, 2)
    seen_BTChw = seen(
        volume_BCThw, paths_BTM33, frame_TM.clamp(min=0)[None], age_TM[None], wear, oldest, max(size, room)
    )
    return seen_BTChw.to(frames_BTChw.dtype)


def _clip_frames(length: int, size: int, device: torch.device) -> Tensor:
    """Of each new frame, 1 to ``length``, the ``size`` frames before it (T, M), the newest last; negative for none."""
    time_T1 = torch.arange(length, device=device)[:, None]
    return time_T1 - torch.arange(size - 1, -1, -1, device=device)


def seen(
    volume_BCDhw: Tensor, paths_BSM33: Tensor, frame_BSM: Tensor, age_BSM: Tensor, wear: Wear,
    oldest: int, room: int,
) -> Tensor:  # fmt: skip
    """Newest frame and mosaic (B, S, 2 (C + 1), h, w) of the frames ``frame_BSM`` of a volume, by the paths to them.

    Paths lead from each new frame; ``age_BSM`` is 0 where there is no such frame.
    """
    h, w = volume_BCDhw.shape[-2:]
    cell_Q3, point_N3, cell_of_N = _grid(h, w, volume_BCDhw.device)
    with torch.no_grad():
        same = 2 * _SAME_PLACE / w
        cost_BSM = wear.worn + _OWN * (wear.acted > 0.5)

        def best_of(chosen_BSK: Tensor) -> tuple[Tensor, Tensor]:
            paths, age, cost = (_gathered(x, chosen_BSK) for x in (paths_BSM33, age_BSM, cost_BSM))
            best_BSQ, found_BSQ = _best(paths, age, cost, cell_Q3, same)
            return chosen_BSK.gather(2, best_BSQ), found_BSQ

        newest_BS1 = _newest(age_BSM).expand(*paths_BSM33.shape[:2], 1)
        _, shown_BSQ = best_of(newest_BS1)
        if room > _MANY:
            best_BSQ, found_BSQ = best_of(_candidates(paths_BSM33, age_BSM, cost_BSM, same))
        else:
            best_BSQ, found_BSQ = _best(paths_BSM33, age_BSM, cost_BSM, cell_Q3, same)
        newest_BSQ = torch.where(shown_BSQ, newest_BS1, best_BSQ)

    def taken(from_BSQ: Tensor, there_BSQ: Tensor) -> Tensor:
        """Each cell from one of the M frames, and how new it is where it is there (B, S, C + 1, h, w)."""
        path_BSQ33 = _gathered(paths_BSM33, from_BSQ)
        place_BSN3 = (path_BSQ33.index_select(2, cell_of_N) * point_N3[:, None]).sum(-1)
        across_down = place_BSN3[..., :2] / place_BSN3[..., 2:].clamp(min=_NEAREST)
        depth_BSQ = (2 * _gathered(frame_BSM, from_BSQ) + 1) / volume_BCDhw.shape[2] - 1  # as grid_sample counts
        grid_BSN3 = torch.cat((across_down.clamp(-2, 2), depth_BSQ.index_select(2, cell_of_N)[..., None]), -1)
        grid_BShw3 = grid_BSN3.unflatten(2, (h, w))
        frame_BCShw = F.grid_sample(volume_BCDhw, grid_BShw3, padding_mode="border", align_corners=False)
        worn_BSQ = _gathered(wear.worn, from_BSQ).clamp(max=oldest)
        new_BSQ = torch.where(there_BSQ, 1 / (1 + worn_BSQ), 0.0)
        new_BShw = new_BSQ.index_select(2, cell_of_N).unflatten(2, (h, w))
        return torch.cat((frame_BCShw.transpose(1, 2), new_BShw[:, :, None]), 2)

    return torch.cat((taken(newest_BSQ, found_BSQ), taken(best_BSQ, found_BSQ)), 2)


def _candidates(paths_BSM33: Tensor, age_BSM: Tensor, wear_BSM: Tensor, same: float) -> Tensor:
    """Of a long memory the few frames (B, S, K) that are best in some places all over the picture, and the newest."""
    best_BSK, _ = _best(paths_BSM33, age_BSM, wear_BSM, _anchors(age_BSM.device), same)
    newest_BS1 = _newest(age_BSM).expand(*best_BSK.shape[:2], 1)
    return torch.cat((best_BSK, newest_BS1), 2)


def _best(
    paths_BSM33: Tensor, age_BSM: Tensor, wear_BSM: Tensor, place_Q3: Tensor, same: float
) -> tuple[Tensor, Tensor]:
    """Which of M frames each place is taken from (B, S, Q), and whether any shows it; else the frame before.

    The least worn one, where one in which the place is not where it was counts as somewhat worn, as to move a picture
    blurs it; of equals the oldest: in a dream the newest is a dream of dreams.
    """
    x_BSMQ, y_BSMQ, front_BSMQ = (paths_BSM33 @ place_Q3.T).unbind(3)
    inside_BSMQ = torch.maximum(x_BSMQ.abs(), y_BSMQ.abs()).clamp_(min=_NEAREST) <= front_BSMQ
    off_BSMQ = torch.maximum(
        torch.addcmul(x_BSMQ, front_BSMQ, place_Q3[:, 0], value=-1).abs_(),
        torch.addcmul(y_BSMQ, front_BSMQ, place_Q3[:, 1], value=-1).abs_(),
    )
    there_BSM = age_BSM > 0
    order_BSM = torch.where(there_BSM, wear_BSM - 0.5 * age_BSM / (_LONGEST + 1), torch.inf)
    order_BSMQ = order_BSM[..., None] + _MOVED * (off_BSMQ > same * front_BSMQ)
    least_BSQ, best_BSQ = torch.where(inside_BSMQ, order_BSMQ, torch.inf).min(2)
    found_BSQ = least_BSQ < torch.inf
    return torch.where(found_BSQ, best_BSQ, _newest(age_BSM)), found_BSQ


def _newest(age_BSM: Tensor) -> Tensor:
    return torch.where(age_BSM > 0, age_BSM, _LONGEST + 1).argmin(2, keepdim=True)


def _gathered(x_BSM: Tensor, index_BSK: Tensor) -> Tensor:
    """Of M frames those of each index (B, S, K, ...)."""
    inner = x_BSM.shape[3:]
    index = index_BSK.view(*index_BSK.shape, *(1 for _ in inner)).expand(*index_BSK.shape, *inner)
    return x_BSM.expand(*index_BSK.shape[:2], *x_BSM.shape[2:]).gather(2, index)


@lru_cache(maxsize=8)
def _anchors(device: torch.device) -> Tensor:
    """Places (K, 3) from one edge of the picture to the other."""
    middle_K3 = middles(_ANCHORS, _ANCHORS, device)
    return torch.cat((middle_K3[:, :2] * (_OUTERMOST * _ANCHORS / (_ANCHORS - 1)), middle_K3[:, 2:]), 1)


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
class Wear(PerSlot):
    """Of frames that a mosaic can be made of (..., M), up to the new frame."""

    worn: Tensor  # steps since that did more than turn the camera, and what being drawn adds to them
    acted: Tensor  # steps since that may have done something to the world

    def begin(self, slot_B: Tensor, place_B: Tensor, own_B: Tensor | None) -> None:
        """With a frame at its place of each slot; ``own_B`` is 1 where it is not real."""
        self.worn[slot_B, place_B] = 0.0 if own_B is None else _OWN * own_B
        self.acted[slot_B, place_B] = 0.0


@dataclass
class Mosaic(PerSlot):
    """The last M frames of each slot of a rollout, the paths to them, and what they show of the newest frame."""

    frames_BCMhw: Tensor  # float32; the frame of time t at t % M
    paths_BM33: Tensor  # from the newest frame
    wear: Wear
    seen_BChw: Tensor  # 2 (C + 1) channels; of the newest frame
    pose: Pose
    oldest: int  # as in training; M may be more

    @classmethod
    def empty(cls, slots: int, channels: int, h: int, w: int, frames: int, oldest: int, device: torch.device) -> Mosaic:
        """Of streams of no frame yet."""
        return cls(
            torch.zeros(slots, channels, frames, h, w, device=device),
            torch.eye(3, device=device).repeat(slots, frames, 1, 1),
            Wear(torch.zeros(slots, frames, device=device), torch.zeros(slots, frames, device=device)),
            torch.zeros(slots, 2 * (channels + 1), h, w, device=device),
            Pose.unknown(slots, device),
            oldest,
        )

    def fill(self, frames_BTChw: Tensor, steps: Steps) -> Tensor:
        """Take in frames 0 to T - 1 of empty streams; what is seen of frames 1 to T, the last of them the newest."""
        room, T = self.frames_BCMhw.shape[2], frames_BTChw.shape[1]
        paths_BTM33, wear = clip_paths(steps.homography_BT33, room), clip_wear(steps, room)
        size = paths_BTM33.shape[2]
        time_M = torch.arange(T - size, T, device=frames_BTChw.device)
        self.frames_BCMhw[:, :, time_M % room] = frames_BTChw[:, time_M].float().transpose(1, 2)
        self.paths_BM33[:, time_M % room] = paths_BTM33[:, -1]
        self.wear.worn[:, time_M % room], self.wear.acted[:, time_M % room] = wear.worn[:, -1], wear.acted[:, -1]
        seen_BTChw = clip_mosaics(frames_BTChw, paths_BTM33, wear, self.oldest, room)
        self.seen_BChw = seen_BTChw[:, -1].float()
        return seen_BTChw

    def add(self, frame_BChw: Tensor, time_B: Tensor, steps: Steps, own_B: Tensor | None = None) -> Tensor:
        """Take in the frame of each slot's time, and go one step on: what is seen of the next one (B, 2 (C + 1), h, w).

        ``own_B`` is 1 where the frame is not real.
        """
        room = self.frames_BCMhw.shape[2]
        slot_B, place_B = torch.arange(len(time_B), device=time_B.device), time_B % room
        self.frames_BCMhw[slot_B, :, place_B] = frame_BChw.float()
        self.paths_BM33[slot_B, place_B] = torch.eye(3, device=time_B.device)
        self.paths_BM33 = self.paths_BM33 @ steps.homography_BT33
        self.wear.begin(slot_B, place_B, own_B)
        self.wear = Wear(self.wear.worn + steps.worn_BT, self.wear.acted + steps.acted_BT)
        place_M = torch.arange(room, device=time_B.device)
        age_BM = (time_B[:, None] - place_M) % room + 1
        age_B1M = torch.where(age_BM <= time_B[:, None] + 1, age_BM, 0)[:, None]
        wear = Wear(self.wear.worn[:, None], self.wear.acted[:, None])
        frames = self.frames_BCMhw, self.paths_BM33[:, None], place_M[None, None], age_B1M, wear
        self.seen_BChw = seen(*frames, self.oldest, room)[:, 0]
        return self.seen_BChw
