"""How a picture moves with the action: a homography, so that a path of actions is a product.

A camera that turns moves its picture by a homography whatever the scene, and one that moves past a plane does too
(Hartley and Zisserman 2004, chapters 8 and 13). That of an action is the exponential of a sum of generators, learned
and linear in the action. What the frames before show, brought to where it is now (:mod:`worldsim.models.mosaic`), is
read beside the frame before, and the prediction takes of each place as much as it likes (spatial transformer
predictors, Finn et al. 2016): what a network would otherwise spend its width on is arithmetic.

Legend: A action channels.
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

    def homographies(self, action: Tensor, known: Tensor) -> Tensor:
        """Where places were before each action (..., 3, 3), in halves of a side from the middle; actions (..., A).

        The identity where the action is not known. Float32, whatever the precision of the rest.
        """
        exponent = (action * known[..., None]).float() @ self.generators.float().flatten(1)
        return _exponential(exponent.unflatten(-1, (3, 3)))


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
