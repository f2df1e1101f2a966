"""What a batch of streams is between two frames."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from worldsim.models.block import TextKeys
from worldsim.models.cache import RingCache
from worldsim.simulators.recall import Recollection


@dataclass
class StreamState:
    """B slots. The newest frame is not in the cache yet: it is written along with the next denoising step."""

    cache: RingCache
    newest_BChw: Tensor  # clean latent of the newest frame
    before_BChw: Tensor  # the frame before it, as the cache saw it (noised); zeros where there is none
    action_BA: Tensor  # led to the newest frame, scaled
    action_known_B: Tensor
    own_B: Tensor  # 1 where the newest frame was dreamt
    time_B: Tensor  # of the newest frame
    seed_B: NDArray[np.uint64]
    text: TextKeys | None  # of each slot's prompt; None for a network without text
    unprompted: RingCache | None = None  # the same frames without their prompts, where guidance compares
    past: Recollection | None = None  # where frames beyond the window are recalled

    def _parts(self) -> list[RingCache | TextKeys | Recollection | None]:
        return [self.cache, self.text, self.unprompted, self.past]

    def _tensors(self) -> list[Tensor]:
        return [self.newest_BChw, self.before_BChw, self.action_BA, self.action_known_B, self.own_B, self.time_B]

    def select(self, slots: Sequence[int]) -> StreamState:
        """An independent copy of the given slots (repeats allowed)."""
        index = torch.as_tensor(list(slots))
        newest, before, action, known, own, time = (tensor[index].clone() for tensor in self._tensors())
        return StreamState(
            self.cache.select(index), newest, before, action, known, own, time,
            self.seed_B[np.asarray(slots, int)].copy(),
            self.text and self.text.select(index),
            self.unprompted and self.unprompted.select(index),
            self.past and self.past.select(index),
        )  # fmt: skip

    @torch.inference_mode()
    def assign(self, slots: Sequence[int], other: StreamState) -> None:
        """Overwrite the given slots by those of ``other``, in order."""
        index = torch.as_tensor(list(slots))
        for part, new_part in zip(self._parts(), other._parts(), strict=True):
            if part is not None:
                part.assign(index, new_part)  # type: ignore[arg-type]
        for mine, new in zip(self._tensors(), other._tensors(), strict=True):
            mine[index] = new
        self.seed_B[np.asarray(slots, int)] = other.seed_B

    def named(self) -> dict[str, Tensor | NDArray[np.uint64]]:
        """Every tensor of the state by its name, such as "cache.keys_LBHNE"; not copies."""
        return dict(_named("", self))


def _named(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Tensor | np.ndarray):
        yield name, value
    elif is_dataclass(value):
        for field in fields(value):
            yield from _named(f"{name}.{field.name}".removeprefix("."), getattr(value, field.name))
    elif isinstance(value, dict):
        for key, part in value.items():
            yield from _named(f"{name}.{key}", part)
    elif isinstance(value, tuple):
        for number, part in enumerate(value):
            yield from _named(f"{name}.{number}", part)
