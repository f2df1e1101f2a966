"""Procedural 16x16 block textures: soft patterns and clear block edges, with mip levels against flicker far away."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from envs.voxel import kinds
from worldsim.core.seeding import stream

SIZE = 16
LEVELS = 5  # 16, 8, 4, 2 and 1 texels across; each is stored at 16x16
SIDE, TOP, BOTTOM = 0, 1, 2

_U, _V = np.meshgrid((np.arange(SIZE) + 0.5) / SIZE, (np.arange(SIZE) + 0.5) / SIZE)


@cache
def block_textures() -> NDArray[np.uint8]:
    """All textures (LEVELS, kinds, 3 faces, SIZE, SIZE, 3), equal on every call."""
    out = np.zeros((LEVELS, kinds.KIND_COUNT, 3, SIZE, SIZE, 3), np.uint8)
    for kind in kinds.KINDS:
        for face in (SIDE, TOP, BOTTOM):
            image = _paint(kind, face)
            for level in range(LEVELS):
                out[level, kind.number, face] = np.clip(_coarser(image, level) * 255 + 0.5, 0, 255).astype(np.uint8)
    out.setflags(write=False)
    return out


def _paint(kind: kinds.Kind, face: int) -> NDArray[np.float64]:
    colour = np.array(kind.colour) / 255
    light = _PATTERNS[kind.pattern](kind.number, face)
    edge = np.minimum.reduce([_U, 1 - _U, _V, 1 - _V])
    light = light * np.where(edge < 1 / SIZE, 1 - kind.edge, np.where(edge < 2 / SIZE, 1 - 0.35 * kind.edge, 1.0))
    return np.clip(colour * light[..., None] + 0.35 * np.clip(light - 1.15, 0, 1)[..., None], 0, 1)


def _soft(number: int, face: int) -> NDArray[np.float64]:
    coarse = stream(number, "voxel", "texture", face).uniform(-1, 1, (4, 4))
    fine = coarse.repeat(4, 0).repeat(4, 1)
    for _ in range(3):
        fine = (fine + np.roll(fine, 1, 0) + np.roll(fine, -1, 0) + np.roll(fine, 1, 1) + np.roll(fine, -1, 1)) / 5
    return 1 + 0.10 * fine


def _bricks(number: int, face: int) -> NDArray[np.float64]:
    row = np.floor(_V * 2)
    u = (_U + 0.5 * (row % 2)) % 1.0
    mortar = (np.minimum(u, 1 - u) < 0.07) | (np.abs(_V % 0.5 - 0.25) > 0.19)
    return np.where(mortar, 0.82, 1.0 + 0.06 * (row - 0.5)) * _soft(number, face)


def _waves(number: int, face: int) -> NDArray[np.float64]:
    return 1 + 0.13 * np.sin(2 * np.pi * (_V + 0.12 * np.sin(2 * np.pi * _U)))


def _diagonal(number: int, face: int) -> NDArray[np.float64]:
    return 1 + 0.13 * np.sin(2 * np.pi * (_U + _V))


def _dots(number: int, face: int) -> NDArray[np.float64]:
    return 0.9 + 0.3 * np.exp(-((_U - 0.5) ** 2 + (_V - 0.5) ** 2) / 0.05)


def _panel(number: int, face: int) -> NDArray[np.float64]:
    radius = np.maximum(np.abs(_U - 0.5), np.abs(_V - 0.5))
    return np.where(radius < 0.27, 1.22, 0.95)


def _stripes(number: int, face: int) -> NDArray[np.float64]:
    return 1 + 0.17 * np.cos(4 * np.pi * _U) if face == SIDE else _dots(number, face)


def _gem(number: int, face: int) -> NDArray[np.float64]:
    radius = np.abs(_U - 0.5) + np.abs(_V - 0.5)
    return np.where(radius < 0.22, 2.2, np.where(radius < 0.42, 1.25, 0.62))


def _glow(number: int, face: int) -> NDArray[np.float64]:
    return 1.0 + 1.2 * np.exp(-((_U - 0.5) ** 2) / 0.03)


def _plain(number: int, face: int) -> NDArray[np.float64]:
    return np.ones_like(_U)


def _planks(number: int, face: int) -> NDArray[np.float64]:
    seam = np.minimum(_U % 0.25, 0.25 - _U % 0.25) < 1 / SIZE
    return np.where(seam, 0.8, 1.0 + 0.05 * np.cos(2 * np.pi * np.floor(4 * _U) * 0.37)) * _soft(number, face)


def _icing(number: int, face: int) -> NDArray[np.float64]:
    if face == TOP:
        return 1.05 * _soft(number, face)
    # Chocolate under icing that drips; sides are drawn from the bottom half of the texture.
    drip = 0.62 + 0.1 * np.sin(6 * np.pi * _U)
    return np.where(drip > _V, 1.0, 0.5) * _soft(number, face)


_PATTERNS = {
    "soft": _soft,
    "bricks": _bricks,
    "waves": _waves,
    "diagonal": _diagonal,
    "dots": _dots,
    "panel": _panel,
    "stripes": _stripes,
    "gem": _gem,
    "glow": _glow,
    "plain": _plain,
    "planks": _planks,
    "icing": _icing,
}


def _coarser(image: NDArray[np.float64], level: int) -> NDArray[np.float64]:
    """``image`` averaged over squares of 2**level texels."""
    n = SIZE >> level
    small = image.reshape(n, SIZE // n, n, SIZE // n, 3).mean((1, 3))
    return small.repeat(SIZE // n, 0).repeat(SIZE // n, 1)
