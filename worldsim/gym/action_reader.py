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
                chosen = _whole_number(key or "action", value, int(part.n))
                binary = self.codec.channels[len(values)].kind == "binary"
                values.extend([float(chosen)] if binary else [float(chosen == i) for i in range(int(part.n))])
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
            names = ", ".join(self.codec.names[first : first + int(np.prod(part.shape))])
            raise WorldsimError(
                f"{f'action {key!r}' if key else 'an action'} is {part.shape[0]} numbers ({names}); got {value!r}"
            )
        if isinstance(part, spaces.MultiBinary):
            for name, number in zip(self.codec.names[first:], numbers, strict=False):
                _whole_number(name, number, 2)
        return numbers.tolist()


def _whole_number(name: str, value: Any, count: int) -> int:
    """``value`` as an integer from 0 to ``count`` - 1."""
    number = np.asarray(value)
    if number.size != 1 or number.dtype.kind not in "iufb" or number.item() not in range(count):
        raise WorldsimError(f"action channel {name!r} must be a whole number between 0 and {count - 1}; got {value!r}.")
    return int(number.item())
