"""How a picture moves with the action: a homography, so that a path of actions is a product.

A camera that turns moves its picture by a homography whatever the scene, and one that moves past a plane does too
(Hartley and Zisserman 2004, chapters 8 and 13). That of an action is the exponential of a sum of generators, learned
and linear in the action. What the frames before show, brought to where it is now (:mod:`worldsim.models.mosaic`), is
read beside the frame before, and the prediction takes of each place as much as it likes (spatial transformer
predictors, Finn et al. 2016): what a network would otherwise spend its width on is arithmetic.

Legend: F frames, A action channels, D width.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from worldsim.models.layers import Linear

_HALVINGS = 4  # of the exponent, before its series


class Motion(nn.Module):
    """What each action does to the picture, and what the network reads and takes of frames that were moved by it.

    Untrained nothing moves and nothing is read: a network that had none before begins as it was.
    """

    def __init__(self, action_channels: int, dim: int, token: int, patch: int):
        super().__init__()
        self.generators = nn.Parameter(torch.zeros(action_channels, 3, 3))
        self.embed = Linear(token + patch**2, dim, bias=False)  # the moved picture, and how new each place of it is
        self.share = Linear(dim, patch**2)
        for weights in (self.embed.weight, self.share.weight, self.share.bias):
            nn.init.zeros_(weights)

    def homographies(self, action_FA: Tensor, known_F: Tensor) -> Tensor:
        """Where each frame's places were in the frame before (F, 3, 3), in halves of a side from the middle.

        The identity where the action is not known. Float32, whatever the precision of the rest.
        """
        action_FA = (action_FA * known_F[:, None]).float()
        return _exponential((action_FA @ self.generators.float().flatten(1)).unflatten(1, (3, 3)))


def _exponential(x_F33: Tensor) -> Tensor:
    """Of matrices whose entries are at most about 2; some microseconds for one where torch.matrix_exp takes 150.

    A multiple of the identity moves nothing, so it is taken out first.
    """
    one_33 = torch.eye(3, device=x_F33.device)
    trace_F11 = x_F33.diagonal(dim1=1, dim2=2).mean(1)[:, None, None]
    x_F33 = (x_F33 - trace_F11 * one_33) / 2**_HALVINGS
    y_F33 = one_33
    for divisor in (4, 3, 2, 1):
        y_F33 = one_33 + x_F33 @ y_F33 / divisor
    for _ in range(_HALVINGS):
        y_F33 = y_F33 @ y_F33
    return y_F33
