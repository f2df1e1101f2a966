"""How a picture moves with the action: the frame before, brought to where the action puts it.

A turn of the camera, or a step over a plane, moves the points of a picture by a field that is quadratic in their
coordinates (Longuet-Higgins and Prazdny 1980). The field here is learned, linear in the action, and the network takes
of each place as much of the moved frame as it likes (spatial transformer predictors, Finn et al. 2016): what it would
otherwise spend its width on, to shift a picture by a fraction of a patch, is arithmetic.

Legend: F frames, P tokens a frame, D width, A action channels, C latent channels, h and w latent sides, K = 6 terms.
"""

from __future__ import annotations

from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from worldsim.models.layers import Linear

TERMS = 6  # 1, x, y, x^2, x y, y^2


class Motion(nn.Module):
    """A field of the action, and what the network reads and takes of a frame that was moved by it.

    Untrained it moves nothing and is not read: a network that had none before begins as it was.
    """

    def __init__(self, action_channels: int, dim: int, token: int, patch: int):
        super().__init__()
        self.field = nn.Parameter(torch.zeros(action_channels, TERMS, 2))  # of x and y, in halves of a side
        self.embed = Linear(token, dim, bias=False)
        self.share = Linear(dim, patch**2)
        for weights in (self.embed.weight, self.share.weight, self.share.bias):
            nn.init.zeros_(weights)

    def moved(self, z_FChw: Tensor, action_FA: Tensor, known_F: Tensor) -> Tensor:
        """The latents moved by their actions, scaled as the network gets them; unmoved where an action is not known."""
        field_FK2 = ((action_FA * known_F[:, None]).float() @ self.field.float().flatten(1)).unflatten(1, (TERMS, 2))
        return move(z_FChw, field_FK2)


def move(z_FChw: Tensor, field_FK2: Tensor) -> Tensor:
    """Pictures of any kind, each place showing what was where its field points to, in halves of a side across and down;
    beyond an edge is the edge."""
    terms_QK, place_hw2 = _terms(*z_FChw.shape[-2:], z_FChw.device)
    grid_Fhw2 = place_hw2 + (terms_QK @ field_FK2).unflatten(1, place_hw2.shape[:2])
    return F.grid_sample(z_FChw.float(), grid_Fhw2, padding_mode="border", align_corners=False).to(z_FChw.dtype)


@lru_cache(maxsize=32)
def _terms(height: int, width: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """The terms of the field at every place (h * w, K), and the places (h, w, 2): -1 to 1 across and down."""
    sides = ((torch.arange(side, device=device) + 0.5) / side * 2 - 1 for side in (height, width))
    y, x = torch.meshgrid(*sides, indexing="ij")
    terms_hwK = torch.stack((torch.ones_like(x), x, y, x * x, x * y, y * y), -1)
    return terms_hwK.flatten(0, 1), torch.stack((x, y), -1)
