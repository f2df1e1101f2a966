"""Mean, spread and range of a dataset's features, added up episode by episode, as LeRobot's stats.json has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

IMAGES_OF_EPISODE = 32  # frames of an episode that count towards the statistics of images


class FeatureStats:
    """Running sums; images count by channel, in [0, 1], over a few frames of each episode."""

    def __init__(self) -> None:
        self._sums: dict[str, list[NDArray[np.float64]]] = {}
        self._images: set[str] = set()

    def add(self, features: Mapping[str, NDArray[Any]], images: Sequence[str] = ()) -> None:
        """Add one episode: arrays (T, D), or (T, H, W, 3) uint8 for the names in ``images``."""
        self._images.update(images)
        for name, values in features.items():
            if name in images:
                chosen = np.linspace(0, len(values) - 1, min(len(values), IMAGES_OF_EPISODE)).astype(np.int64)
                values = values[chosen].reshape(-1, 3) / 255.0
            x = np.asarray(values, np.float64)
            count = np.array([len(x)], np.float64)
            new = [count, x.sum(0), (x**2).sum(0), x.min(0), x.max(0)]
            old = self._sums.get(name)
            if old:
                new = [
                    old[0] + new[0],
                    old[1] + new[1],
                    old[2] + new[2],
                    np.minimum(old[3], new[3]),
                    np.maximum(old[4], new[4]),
                ]
            self._sums[name] = new

    def summary(self) -> dict[str, dict[str, Any]]:
        """By feature: min, max, mean, std and count; those of images with the shape (3, 1, 1)."""
        found = {}
        for name, (count, total, squares, low, high) in self._sums.items():
            mean = total / count
            std = np.sqrt(np.maximum(squares / count - mean**2, 0.0))
            parts = {"min": low, "max": high, "mean": mean, "std": std}
            shape = (3, 1, 1) if name in self._images else (-1,)
            found[name] = {key: part.reshape(shape).tolist() for key, part in parts.items()}
            found[name]["count"] = count.astype(np.int64).tolist()
        return found
