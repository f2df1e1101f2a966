"""Named random streams: every random number comes from one root seed and a name, never from global state."""

from __future__ import annotations

import hashlib

import numpy as np


def derive_seed(root: int, *names: str | int) -> int:
    """A 63-bit seed for the stream called ``names`` under ``root``; equal inputs give equal seeds on every platform."""
    digest = hashlib.blake2b(repr((int(root), *map(str, names))).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1


def stream(root: int, *names: str | int) -> np.random.Generator:
    """A numpy generator for the stream called ``names`` under ``root``."""
    return np.random.Generator(np.random.Philox(derive_seed(root, *names)))


def game_seed(root: int, split: str, index: int) -> int:
    """The 31-bit seed a game is reset with in episode ``index`` of ``split`` ("train", "val" or "test")."""
    return derive_seed(root, "game", split, index) >> 32
