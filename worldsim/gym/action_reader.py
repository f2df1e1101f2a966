"""Turns a game's action into channels after checking it, so that a wrong action is named before a model sees it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from worldsim.core.actions import ActionCodec
from worldsim.core.errors import UnknownNameError, WorldsimError


class ActionReader:
    """Reads actions of the codec's space; numbers of any numpy or Python type will do, values outside will not."""

    def __init__(self, codec: ActionCodec):
        self.codec = codec
        self.space = codec.space()
        self._parts = list(self.space.spaces.items()) if isinstance(self.space, spaces.Dict) else [("", self.space)]
        self._low = np.array([channel.low for channel in codec.channels], np.float32)
        self._high = np.array([channel.high for channel in codec.channels], np.float32)

    def read(self, action: Any) -> NDArray[np.float32]:
        """The channel vector (A,) of one action; WorldsimError names the channel that is wrong and its bounds."""
        self.check_keys(action)
        values: list[float] = []
        for key, part in self._parts:
            value = action[key] if key else action
            if isinstance(part, spaces.Discrete):
                binary = self.codec.channels[len(values)].kind == "binary"
                chosen = _choice(key or "action", value, int(part.n), int(part.start))
                values.extend(chosen[1:] if binary else chosen)
            elif isinstance(part, spaces.MultiDiscrete):
                numbers = self._numbers(key, part, value, len(values))
                parts = zip(numbers, part.nvec.reshape(-1), part.start.reshape(-1), strict=True)
                for i, (number, count, start) in enumerate(parts):
                    values.extend(_choice(f"{key or 'action'}{i}", number, int(count), int(start)))
            else:
                values.extend(self._numbers(key, part, value, len(values)))
        return self.check_vectors(np.array(values, np.float32))

    def check_keys(self, actions: Any) -> None:
        """Raise WorldsimError when a Dict space's action (one, or a batch) lacks an entry or has one too many."""
        if not isinstance(self.space, spaces.Dict):
            return
        if not isinstance(actions, Mapping):
            raise WorldsimError(f"an action is a dict of {', '.join(self.space)}; got {actions!r}")
        for key in actions:
            if key not in self.space.spaces:
                raise UnknownNameError("action", str(key), self.space)
        missing = [key for key in self.space if key not in actions]
        if missing:
            raise WorldsimError(f"the action lacks {', '.join(missing)}; action_space.sample() shows a whole one.")

    def check_vectors(self, vectors: NDArray[np.floating]) -> NDArray[np.float32]:
        """The same channel vectors (..., A) as float32; WorldsimError when one is outside its channel's bounds."""
        vectors = np.asarray(vectors, np.float32)
        inside = (vectors >= self._low) & (vectors <= self._high)  # NaN compares false, so it is outside too
        if not inside.all():
            where = tuple(np.argwhere(~inside)[0])
            channel = self.codec.channels[where[-1]]
            raise WorldsimError(
                f"action channel {channel.name!r} must be between {channel.low:g} and {channel.high:g}; "
                f"got {vectors[where]:g}."
            )
        return vectors

    def _numbers(self, key: str, part: Any, value: Any, first: int) -> list[float]:
        try:
            numbers = np.asarray(value, np.float64)
        except (TypeError, ValueError):
            numbers = np.empty(0)
        if numbers.shape != part.shape:
            size = int(np.prod(part.shape))
            names = ", ".join(channel.name for channel in self.codec.channels[first:] if channel.key == key)
            shaped = f" of shape {part.shape}" if len(part.shape) != 1 else ""
            raise WorldsimError(
                f"{f'action {key!r}' if key else 'an action'} is {size} numbers{shaped} ({names}); got {value!r}"
            )
        flat: list[float] = numbers.reshape(-1).tolist()
        if isinstance(part, spaces.MultiBinary):
            for name, number in zip(self.codec.names[first:], flat, strict=False):
                _choice(name, number, 2, 0)
        return flat


def _choice(name: str, value: Any, count: int, start: int) -> list[float]:
    """``value``, a whole number from ``start`` on, as ``count`` numbers of which one is 1."""
    number = np.asarray(value)
    if number.size != 1 or number.dtype.kind not in "iufb" or number.item() not in range(start, start + count):
        raise WorldsimError(
            f"action channel {name!r} must be a whole number between {start} and {start + count - 1}; got {value!r}."
        )
    return [float(int(number.item()) == start + i) for i in range(count)]
