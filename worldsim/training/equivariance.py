"""Latents that move as the picture does: what is decoded from moved latents has to be the moved picture.

EQ-VAE (Kouzelis et al. 2025), for what a camera does: shifts by any fraction of a latent, growth, and bends that are
quadratic in place (Longuet-Higgins and Prazdny 1980). A network that moves latents by its actions then loses little of
them.
"""

from __future__ import annotations

from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

from worldsim.models.mosaic import middles

TERMS = 6  # of a field: 1, x, y, x^2, x y, y^2
# In halves of a side: how far a picture is shifted, how much it grows or shrinks, and how much it bends, at most.
_SHIFT, _GROWTH, _BEND = 0.35, 0.15, 0.05


def move_together(x_BT3HW: Tensor, z_BSChw: Tensor, share: float, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Frames and their latents, a ``share`` of the clips moved by a random field each, the same for both."""
    clips = len(x_BT3HW)
    field_BK2 = draw_fields(clips, generator)
    field_BK2[torch.rand(clips, generator=generator, device=generator.device) >= share] = 0
    field_BK2 = field_BK2.to(x_BT3HW.device)
    return _move(x_BT3HW, field_BK2), _move(z_BSChw, field_BK2)


def draw_fields(count: int, generator: torch.Generator) -> Tensor:
    """Fields (count, K, 2): a shift, the same growth across and down, and any bend."""
    either = torch.rand(count, 9, generator=generator, device=generator.device) * 2 - 1
    field_BK2 = either.new_zeros(count, TERMS, 2)
    field_BK2[:, 0] = _SHIFT * either[:, :2]
    field_BK2[:, 1, 0] = field_BK2[:, 2, 1] = _GROWTH * either[:, 2]
    field_BK2[:, 3:] = _BEND * either[:, 3:].unflatten(1, (3, 2))
    return field_BK2


def _move(clips: Tensor, field_BK2: Tensor) -> Tensor:
    field_NK2 = field_BK2.repeat_interleave(clips.shape[1], 0)
    return move(clips.flatten(0, 1), field_NK2).unflatten(0, clips.shape[:2])


def move(z_FChw: Tensor, field_FK2: Tensor) -> Tensor:
    """Pictures of any kind, each place showing what was where its field points to, in halves of a side across and down;
    beyond an edge is the edge."""
    terms_QK, place_hw2 = _terms(*z_FChw.shape[-2:], z_FChw.device)
    grid_Fhw2 = place_hw2 + (terms_QK @ field_FK2).unflatten(1, place_hw2.shape[:2])
    return F.grid_sample(z_FChw.float(), grid_Fhw2, padding_mode="border", align_corners=False).to(z_FChw.dtype)


@lru_cache(maxsize=32)
def _terms(height: int, width: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """The terms of the field at every place (h * w, K), and the places (h, w, 2): -1 to 1 across and down."""
    x, y, one = middles(height, width, device).unbind(1)
    return torch.stack((one, x, y, x * x, x * y, y * y), 1), torch.stack((x, y), 1).unflatten(0, (height, width))
