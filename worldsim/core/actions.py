"""A game's action space to and from one float vector of named channels, so that one model can serve several games.

Channel names follow MineRL 1.0 (``forward``, ``attack``, ...). Signs are in the names: a MineRL-style ``camera`` entry
becomes ``camera_pitch_down_deg`` and ``camera_yaw_right_deg``.
"""

from __future__ import annotations

from dataclasses import MISSING, asdict, dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from worldsim.core.errors import WorldsimError

CAMERA_CHANNELS = ("camera_pitch_down_deg", "camera_yaw_right_deg")
HAND_CHANNELS = ("attack", "use")
# What one unit means to a network. A camera turn of a space that allows +-180 degrees is a few degrees in practice.
CAMERA_SCALE_DEG = 10.0
MAX_NUMBERS = 256  # in one array; an action space larger than that holds pictures or maps


@dataclass(frozen=True)
class Channel:
    """One number of an action vector: where it comes from in the game's space and how far it goes."""

    name: str
    key: str  # the entry of the game's Dict space; "" for a space that is not a Dict
    kind: str  # "binary", "choice" (one of a Discrete's one-hot channels) or "continuous"
    low: float
    high: float
    scale: float  # divide by this before a network sees it
    # Only for spaces with more structure than a Discrete from 0, a flat MultiBinary or a flat float32 Box:
    shape: tuple[int, ...] | None = None  # of the array this number is in, where that is not (n,)
    part: int = 0  # which number of a MultiDiscrete, counted along its flattened array
    start: int = 0  # the value that the first choice stands for
    dtype: str = ""  # of the array; "" is the usual one of its kind


@dataclass(frozen=True)
class ActionCodec:
    """Translates between a game's actions and vectors of channels (A,) float32, in the game's own units."""

    channels: tuple[Channel, ...]

    @classmethod
    def from_space(cls, space: Any) -> ActionCodec:
        """Derive the codec of a gymnasium Discrete, MultiDiscrete, MultiBinary, Box, or Dict of those.

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

    @property
    def camera(self) -> tuple[int, int] | None:
        """Where the channels are that pitch a camera down and yaw it right; None where there is no such camera."""
        if not set(CAMERA_CHANNELS) <= set(self.names):
            return None
        pitch, yaw = map(self.names.index, CAMERA_CHANNELS)
        return pitch, yaw

    @property
    def hands(self) -> tuple[int, ...]:
        """Where the channels are that do something to the world in front of a player."""
        return tuple(index for index, name in enumerate(self.names) if name in HAND_CHANNELS)

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
        at = 0
        for group in self._groups:
            if group.kind == "choice":  # the first option, unless another is named
                named = any(channel.name in values for channel in group.channels)
                vec[at] = 0.0 if named else 1.0
            at += group.size
        for name, value in values.items():
            vec[self.index(name)] = value
        return vec

    def encode(self, action: Any) -> NDArray[np.float32]:
        """A game's action as a vector (A,)."""
        out: list[float] = []
        for group in self._groups:
            value = action[group.key] if group.key else action
            if group.kind == "choice":
                number = value if group.is_single else np.asarray(value).reshape(-1)[group.part]
                chosen = int(number) - group.start
                out.extend(float(i == chosen) for i in range(group.size))
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
        at = 0
        for group in self._groups:
            part = vec[at : at + group.size]
            at += group.size
            if group.kind == "choice":
                number = int(part.argmax()) + group.start
                if group.is_single:
                    result[group.key] = number
                else:  # one number of a MultiDiscrete
                    array = result.setdefault(group.key, np.zeros(group.shape, group.dtype))
                    array.reshape(-1)[group.part] = number
            elif group.kind == "binary":
                bits = (part > 0.5).astype(np.int8)
                result[group.key] = int(bits[0]) if group.is_single else bits.reshape(group.shape)
            else:
                clipped = np.clip(part, group.low, group.high)
                whole = np.rint(clipped) if group.dtype.kind in "iu" else clipped
                result[group.key] = whole.astype(group.dtype, copy=False).reshape(group.shape)
        return result.get("", result)

    def space(self) -> Any:
        """The gymnasium space this codec translates."""
        from gymnasium import spaces

        parts: dict[str, Any] = {}
        for group in self._groups:
            if group.key in parts:
                continue  # a further number of a MultiDiscrete
            if group.kind == "choice" and not group.is_single:
                numbers = [other for other in self._groups if other.key == group.key]
                counts = np.array([number.size for number in numbers], group.dtype).reshape(group.shape)
                starts = np.array([number.start for number in numbers], group.dtype).reshape(group.shape)
                parts[group.key] = spaces.MultiDiscrete(counts, dtype=group.dtype.type, start=starts)
            elif group.kind == "choice":
                parts[group.key] = spaces.Discrete(group.size, start=group.start)
            elif group.kind == "binary":
                flat = len(group.shape) == 1
                count: Any = group.size if flat else group.shape
                parts[group.key] = spaces.Discrete(2) if group.is_single else spaces.MultiBinary(count)
            else:
                low, high = (bound.reshape(group.shape).astype(group.dtype) for bound in (group.low, group.high))
                parts[group.key] = spaces.Box(low, high, dtype=group.dtype.type)
        return parts[""] if "" in parts else spaces.Dict(parts)

    def to_json(self) -> list[dict[str, Any]]:
        """Plain data; what is at its default is left out, so that older codecs and their files read the same."""
        optional = {field.name: field.default for field in fields(Channel) if field.default is not MISSING}
        return [
            {
                key: list(value) if isinstance(value, tuple) else value
                for key, value in asdict(channel).items()
                if key not in optional or value != optional[key]
            }
            for channel in self.channels
        ]

    @classmethod
    def from_json(cls, data: list[dict[str, Any]]) -> ActionCodec:
        rows = [row if row.get("shape") is None else {**row, "shape": tuple(row["shape"])} for row in data]
        return cls(tuple(Channel(**row) for row in rows))

    @cached_property
    def _groups(self) -> tuple[_Group, ...]:
        groups: dict[tuple[str, int], list[Channel]] = {}
        for channel in self.channels:
            groups.setdefault((channel.key, channel.part), []).append(channel)
        return tuple(map(_Group, groups.values()))


class _Group:
    """Channels that belong together: the choices of one number, or the numbers of one array."""

    def __init__(self, channels: list[Channel]):
        first = channels[0]
        self.channels, self.size = channels, len(channels)
        self.key, self.kind, self.part, self.start = first.key, first.kind, first.part, first.start
        # One number of its own, where it is not in an array.
        self.is_single = first.shape is None and (
            first.kind == "choice" or (first.kind == "binary" and first.key != "")
        )
        self.shape = (self.size,) if first.shape is None else first.shape
        usual = {"choice": np.int64, "binary": np.int8, "continuous": np.float32}[first.kind]
        self.dtype = np.dtype(first.dtype or usual)
        wide = np.float32 if self.dtype == np.float32 else np.float64
        self.low = np.array([channel.low for channel in channels], wide)
        self.high = np.array([channel.high for channel in channels], wide)


def _channels(key: str, space: Any) -> list[Channel]:
    from gymnasium import spaces

    where = f" at {key!r}" if key else ""
    if isinstance(space, spaces.Discrete):
        if key and space.n == 2 and space.start == 0:
            return [Channel(key, key, "binary", 0.0, 1.0, 1.0)]
        return _choices(key or "action", key, int(space.n), int(space.start))
    if isinstance(space, spaces.MultiDiscrete):
        dtype = "" if space.dtype == np.int64 else space.dtype.name
        return [
            channel
            for part, (count, start) in enumerate(zip(space.nvec.reshape(-1), space.start.reshape(-1), strict=True))
            for channel in _choices(
                f"{key or 'action'}{part}", key, int(count), int(start), shape=space.nvec.shape, part=part, dtype=dtype
            )
        ]
    if isinstance(space, spaces.MultiBinary):
        count = int(np.prod(space.shape))
        shape = None if len(space.shape) == 1 and not key else space.shape
        return [Channel(f"{key or 'button'}{i}", key, "binary", 0.0, 1.0, 1.0, shape=shape) for i in range(count)]
    if isinstance(space, spaces.Box) and space.dtype.kind in "fiu" and max(space.shape, default=1) > 0:
        size = int(np.prod(space.shape))
        if size > MAX_NUMBERS:
            raise WorldsimError(
                f"the action space {space}{where} has {size} numbers; a codec takes at most {MAX_NUMBERS}. "
                "An image or a map is no action a model can be steered by: wrap the game with a smaller space."
            )
        if key == "camera" and space.shape == (2,):
            names: tuple[str, ...] = CAMERA_CHANNELS
        else:
            stem = key or "axis"
            names = (stem,) if size == 1 else tuple(f"{stem}{i}" for i in range(size))
        shape = None if len(space.shape) == 1 else space.shape
        dtype = "" if space.dtype == np.float32 else space.dtype.name
        limits = zip(names, space.low.reshape(-1).tolist(), space.high.reshape(-1).tolist(), strict=True)
        return [
            Channel(name, key, "continuous", low, high, _scale(name, low, high), shape=shape, dtype=dtype)
            for name, low, high in limits
        ]
    raise WorldsimError(
        f"no channel translation for the action space {space}{where}; "
        "use Discrete, MultiDiscrete, MultiBinary, Box, or a Dict of these (not nested)"
    )


def _choices(stem: str, key: str, count: int, start: int, **more: Any) -> list[Channel]:
    return [Channel(f"{stem}={start + i}", key, "choice", 0.0, 1.0, 1.0, start=start, **more) for i in range(count)]


def _scale(name: str, low: float, high: float) -> float:
    if name in CAMERA_CHANNELS:
        return CAMERA_SCALE_DEG
    bound = max(abs(low), abs(high))
    return bound if np.isfinite(bound) and bound > 0 else 1.0
