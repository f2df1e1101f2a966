"""A game's action space to and from one float vector of named channels, so that one model can serve several games.

Channel names follow MineRL 1.0 (``forward``, ``attack``, ...). Signs are in the names: a MineRL-style ``camera`` entry
becomes ``camera_pitch_down_deg`` and ``camera_yaw_right_deg``.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from worldsim.core.errors import WorldsimError

CAMERA_CHANNELS = ("camera_pitch_down_deg", "camera_yaw_right_deg")
# What one unit means to a network. A camera turn of a space that allows +-180 degrees is a few degrees in practice.
CAMERA_SCALE_DEG = 10.0


@dataclass(frozen=True)
class Channel:
    """One number of an action vector: where it comes from in the game's space and how far it goes."""

    name: str
    key: str  # the entry of the game's Dict space; "" for a space that is not a Dict
    kind: str  # "binary", "choice" (one of a Discrete's one-hot channels) or "continuous"
    low: float
    high: float
    scale: float  # divide by this before a network sees it


@dataclass(frozen=True)
class ActionCodec:
    """Translates between a game's actions and vectors of channels (A,) float32, in the game's own units."""

    channels: tuple[Channel, ...]

    @classmethod
    def from_space(cls, space: Any) -> ActionCodec:
        """Derive the codec of a gymnasium Discrete, MultiBinary, 1-D Box, or Dict of those.

        Raises WorldsimError for a space without a translation.
        """
        from gymnasium import spaces

        if isinstance(space, spaces.Dict):
            return cls(tuple(channel for key, part in space.items() for channel in _channels(key, part)))
        return cls(tuple(_channels("", space)))

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(channel.name for channel in self.channels)

    @property
    def scale(self) -> NDArray[np.float32]:
        return np.array([channel.scale for channel in self.channels], np.float32)

    def __len__(self) -> int:
        return len(self.channels)

    def index(self, name: str) -> int:
        if name not in self.names:
            from worldsim.core.errors import UnknownNameError

            raise UnknownNameError("action channel", name, self.names)
        return self.names.index(name)

    def vector(self, **values: float) -> NDArray[np.float32]:
        """The action that does nothing except for the named channels: ``codec.vector(forward=1)``."""
        vec = np.zeros(len(self), np.float32)
        start = 0
        for _, group in self._groups():
            if group[0].kind == "choice":  # the first option, unless another is named
                named = any(channel.name in values for channel in group)
                vec[start] = 0.0 if named else 1.0
            start += len(group)
        for name, value in values.items():
            vec[self.index(name)] = value
        return vec

    def encode(self, action: Any) -> NDArray[np.float32]:
        """A game's action as a vector (A,)."""
        out: list[float] = []
        for key, group in self._groups():
            value = action[key] if key else action
            if group[0].kind == "choice":
                out.extend(float(i == int(value)) for i in range(len(group)))
            else:
                out.extend(np.asarray(value, np.float64).reshape(-1).tolist())
        vec = np.array(out, np.float32)
        assert vec.shape == (len(self),), f"action of {vec.size} numbers for {len(self)} channels"
        return vec

    def decode(self, vec: NDArray[np.floating]) -> Any:
        """The game's action for a vector (A,): binary channels are cut at one half, continuous ones clipped."""
        vec = np.asarray(vec, np.float32)
        if vec.shape != (len(self),) or not np.isfinite(vec).all():
            raise WorldsimError(
                f"an action needs {len(self)} finite numbers ({', '.join(self.names)}); got {vec.tolist()}"
            )
        result: dict[str, Any] = {}
        start = 0
        for key, group in self._groups():
            part = vec[start : start + len(group)]
            start += len(group)
            if group[0].kind == "choice":
                result[key] = int(part.argmax())
            elif group[0].kind == "binary":
                bits = (part > 0.5).astype(np.int8)
                result[key] = int(bits[0]) if key else bits
            else:
                low = np.array([channel.low for channel in group], np.float32)
                high = np.array([channel.high for channel in group], np.float32)
                result[key] = np.clip(part, low, high)
        return result.get("", result)

    def space(self) -> Any:
        """The gymnasium space this codec translates."""
        from gymnasium import spaces

        parts: dict[str, Any] = {}
        for key, group in self._groups():
            if group[0].kind == "choice":
                parts[key] = spaces.Discrete(len(group))
            elif group[0].kind == "binary":
                parts[key] = spaces.Discrete(2) if key else spaces.MultiBinary(len(group))
            else:
                low = np.array([channel.low for channel in group], np.float32)
                high = np.array([channel.high for channel in group], np.float32)
                parts[key] = spaces.Box(low, high, dtype=np.float32)
        return parts[""] if "" in parts else spaces.Dict(parts)

    def to_json(self) -> list[dict[str, Any]]:
        return [asdict(channel) for channel in self.channels]

    @classmethod
    def from_json(cls, data: list[dict[str, Any]]) -> ActionCodec:
        return cls(tuple(Channel(**channel) for channel in data))

    def _groups(self) -> list[tuple[str, list[Channel]]]:
        groups: dict[str, list[Channel]] = {}
        for channel in self.channels:
            groups.setdefault(channel.key, []).append(channel)
        return list(groups.items())


def _channels(key: str, space: Any) -> list[Channel]:
    from gymnasium import spaces

    if isinstance(space, spaces.Discrete) and space.start == 0:
        if key and space.n == 2:
            return [Channel(key, key, "binary", 0.0, 1.0, 1.0)]
        stem = key or "action"
        return [Channel(f"{stem}={i}", key, "choice", 0.0, 1.0, 1.0) for i in range(int(space.n))]
    if isinstance(space, spaces.MultiBinary) and not key and isinstance(space.n, (int, np.integer)):
        return [Channel(f"button{i}", key, "binary", 0.0, 1.0, 1.0) for i in range(int(space.n))]
    if isinstance(space, spaces.Box) and len(space.shape) == 1 and space.dtype.kind == "f":
        size = space.shape[0]
        if key == "camera" and size == 2:
            names: tuple[str, ...] = CAMERA_CHANNELS
        else:
            stem = key or "axis"
            names = (stem,) if size == 1 else tuple(f"{stem}{i}" for i in range(size))
        return [
            Channel(name, key, "continuous", float(low), float(high), _scale(name, float(low), float(high)))
            for name, low, high in zip(names, space.low, space.high, strict=True)
        ]
    where = f" at {key!r}" if key else ""
    raise WorldsimError(
        f"no channel translation for the action space {space}{where}; "
        "use Discrete, MultiBinary, a 1-D float Box, or a Dict of Discrete and Box"
    )


def _scale(name: str, low: float, high: float) -> float:
    if name in CAMERA_CHANNELS:
        return CAMERA_SCALE_DEG
    bound = max(abs(low), abs(high))
    return bound if np.isfinite(bound) and bound > 0 else 1.0
