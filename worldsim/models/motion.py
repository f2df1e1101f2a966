"""How a picture moves with the action: a homography, so that a path of actions is a product.

A camera that turns moves its picture by a homography whatever the scene, and one that moves past a plane does too
(Hartley and Zisserman 2004, chapters 8 and 13). That of an action is the exponential of a sum of generators, learned
and linear in the action. The frame before, and what all of those before show, brought to where it is now
(:mod:`worldsim.models.mosaic`), are read beside the frame before as it was, and the prediction takes of each as much as
it likes, place by place (spatial transformer predictors, Finn et al. 2016): what a network would otherwise spend its
width on is arithmetic. What is fixed to the picture and not to the world does not move.

Bodies that move by themselves no action tells of. A network may say where beside it in the moved frame each place comes
from (``displaced``; appearance flow, Zhou et al. 2016): a body is then carried along and not drawn anew at every step.

A camera's yaw is about what is up in the world: U^-1 Y U, with U what pitching it from level to where it looks does
(:mod:`worldsim.models.pose`). So turns by any angles, chained, are as exact as one.

Legend: B clips or streams, T steps, A action channels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from worldsim.models.layers import Linear
from worldsim.models.mosaic import middles
from worldsim.models.pose import Pose, Tilt

_HALVINGS = 4  # of the exponent, before its series
_TRUST = 2.0  # to begin with, as a logit: most of a place is what is known of it
_FOCAL = 1 / math.tan(math.radians(70) / 2)  # halves of a side, of the field of view that a camera is taken to have


class Motion(nn.Module):
    """What each action does to the picture, and what the network reads and takes of frames that were moved by it.

    ``camera`` are the action channels that pitch a camera down and yaw it right, if it has any: these do nothing but
    turn; ``hands`` those that do something to the world; ``displaced`` is for bodies that move by themselves. Untrained
    nothing is read, and nothing moves before ``assume_camera``: a network that had no motion begins as it was.
    """

    def __init__(
        self, action_channels: int, latent_channels: int, dim: int, patch: int,
        camera: tuple[int, int] | None = None, hands: tuple[int, ...] = (), displaced: bool = False,
    ):  # fmt: skip
        super().__init__()
        self.camera, self.hands = camera, hands
        self.generators = nn.Parameter(torch.zeros(action_channels, 3, 3))
        self.tilt = None if camera is None else Tilt(latent_channels)
        # The frame before, moved, and the mosaic, with how new each place of them is; a share of either:
        self.embed = Linear(2 * (latent_channels + 1) * patch**2, dim, bias=False)
        self.share = Linear(dim, 2 * patch**2)
        self.displacement = Linear(dim, 2 * patch**2) if displaced else None  # latents across and down
        for layer in (self.embed, self.share, self.displacement):
            for weights in () if layer is None else layer.parameters():
                nn.init.zeros_(weights)
        nn.init.constant_(self.share.bias, _TRUST)

    @torch.no_grad()
    def assume_camera(self, unit_deg_A: Sequence[float]) -> None:
        """Let the camera's actions, of so many degrees a unit, turn one of a usual field of view; learning corrects it.

        Learned from nothing, turns now and then ended as something else, from which there was no way back.
        """
        if self.camera is None:
            return
        for axis, channel in zip((1, 0), self.camera, strict=True):  # down, across
            turn = math.radians(unit_deg_A[channel])
            self.generators[channel] = 0
            self.generators[channel, axis, 2], self.generators[channel, 2, axis] = turn * _FOCAL, -turn / _FOCAL

    def along(self, pose: Pose, frames_BTChw: Tensor, action_BTA: Tensor, known_BT: Tensor, read: bool = True) -> Steps:
        """What actions do that lead on from each of these frames, from ``pose`` at the first, which goes along.

        Frames need not be ``read`` where the pose is settled.
        """
        given_BTA = (action_BTA * known_BT[..., None]).float()
        others = [channel for channel in range(given_BTA.shape[2]) if channel not in (self.camera or ())]
        read_BT, pitch_BT = None, torch.zeros_like(given_BTA[:, :, 0])
        if self.camera is not None and self.tilt is not None:
            if read:
                read_BT = self.tilt(frames_BTChw.flatten(0, 1)).view(pitch_BT.shape)
            pitch_BT = given_BTA[:, :, self.camera[0]]
        turns_BT = (given_BTA[:, :, others] == 0).all(2) & (known_BT > 0)
        acted_BT = ((given_BTA[:, :, list(self.hands)] != 0).any(2) | (known_BT == 0)).float()
        told = (pitch_BT if read_BT is None else read_BT, pitch_BT, turns_BT)
        gone = [pose.go_on(*now) for now in zip(*(column_BT.unbind(1) for column_BT in told), strict=True)]
        tilt_BT, worn_BT = (torch.stack(column, 1) for column in zip(*gone, strict=True))
        return Steps(self.homographies(given_BTA, tilt_BT), worn_BT, acted_BT, read_BT, pitch_BT)

    def homographies(self, given: Tensor, tilt: Tensor) -> Tensor:
        """Where places were before each action (..., 3, 3), in halves of a side from the middle; actions (..., A).

        From a camera that looked down by ``tilt`` (...). Float32, whatever the precision of the rest.
        """
        generators_A33 = self.generators.float()
        if self.camera is None:
            return _exponential((given @ generators_A33.flatten(1)).unflatten(-1, (3, 3)))
        pitch, yaw = self.camera
        level = tilt[..., None, None] * generators_A33[pitch]
        turn = given[..., yaw, None, None] * generators_A33[yaw]
        rest = (given @ generators_A33.flatten(1)).unflatten(-1, (3, 3)) - turn
        up, about, down, on = _exponential(torch.stack((-level, turn, level, rest))).unbind()
        return up @ about @ down @ on


def displaced(frames_BTChw: Tensor, off_BT2hw: Tensor) -> Tensor:
    """Every place of the frames from one so many latents right of it and below; beyond the edge is the edge.

    Interpolated by cubics: what is carried along for many steps is interpolated as often, and lines would blur it away.
    """
    B, T, _, h, w = frames_BTChw.shape
    place_hw2 = middles(h, w, off_BT2hw.device)[:, :2].view(h, w, 2)
    halves_2 = off_BT2hw.new_tensor((2 / w, 2 / h), dtype=torch.float32)
    grid_Nhw2 = place_hw2 + off_BT2hw.float().flatten(0, 1).permute(0, 2, 3, 1) * halves_2
    frames_NChw = frames_BTChw.float().flatten(0, 1)
    taken_NChw = F.grid_sample(frames_NChw, grid_Nhw2, mode="bicubic", padding_mode="border", align_corners=False)
    return taken_NChw.unflatten(0, (B, T)).to(frames_BTChw.dtype)


@dataclass
class Steps:
    """What actions do that lead on from frames."""

    homography_BT33: Tensor
    worn_BT: Tensor  # 1 where it may change more than the direction of view, less while a body coasts
    acted_BT: Tensor  # 1 where it may do something to the world
    read_BT: Tensor | None  # how far down the camera looks, as each frame says by itself; None where not asked
    pitch_BT: Tensor  # by which the action pitches it down


def _exponential(x: Tensor) -> Tensor:
    """Of matrices (..., 3, 3) whose entries are at most about 2, where torch.matrix_exp takes 150 microseconds for one.

    A multiple of the identity moves nothing, so it is taken out first.
    """
    one_33 = torch.eye(3, device=x.device)
    x = (x - x.diagonal(dim1=-2, dim2=-1).mean(-1)[..., None, None] * one_33) / 2**_HALVINGS
    y = one_33
    for divisor in (4, 3, 2, 1):
        y = one_33 + x @ y / divisor
    for _ in range(_HALVINGS):
        y = y @ y
    return y
