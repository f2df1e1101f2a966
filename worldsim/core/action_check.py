"""Refuses an action that a game cannot take, before it changes anything."""

from __future__ import annotations

from typing import Any

import numpy as np

from worldsim.core.errors import WorldsimError, did_you_mean


def require_action(space: Any, action: Any) -> None:
    """Raise WorldsimError, naming the entry and the value, unless ``action`` is one of ``space``; for ``Env.step``.

    It goes by value, not by type: lists and float64 are fine, NaN, missing entries and values out of range are not.
    ``space`` is a gymnasium Discrete, MultiDiscrete, MultiBinary, Box or a Dict of those. Costs a few microseconds.
    """
    parts = getattr(space, "spaces", None)
    if parts is None:
        _require(space, action, "")
        return
    if not isinstance(action, dict):
        raise WorldsimError(
            f"the action {action!r} is not in the action space: it needs a dict with {', '.join(parts)}."
        )
    if action.keys() != parts.keys():
        for key in action.keys() - parts.keys():
            raise WorldsimError(f"the action has an unknown entry {key!r}.{did_you_mean(str(key), parts)}")
        raise WorldsimError(f"the action has no entry {min(parts.keys() - action.keys())!r}.")
    for key, part in parts.items():
        _require(part, action[key], key)


def _require(part: Any, value: Any, key: str) -> None:
    count = getattr(part, "n", None)
    if isinstance(value, (int, np.integer)) and isinstance(count, (int, np.integer)):  # keys: most of a game's actions
        if 0 <= value - getattr(part, "start", 0) < count:
            return
        raise _outside(part, value, key)
    if hasattr(part, "nvec") and getattr(value, "dtype", None) == part.dtype and value.shape == part.shape:
        from_start = value - part.start  # keys of many worlds at once
        if ((from_start >= 0) & (from_start < part.nvec)).all():
            return
    try:
        numbers = np.asarray(value, np.float64)
    except (TypeError, ValueError):
        raise _outside(part, value, key) from None
    if hasattr(part, "low"):
        low, high, whole = part.low, part.high, False
    elif hasattr(part, "nvec"):
        low, high, whole = part.start, part.start + part.nvec - 1, True
    elif hasattr(part, "start"):
        low, high, whole = part.start, part.start + part.n - 1, True
    else:
        low, high, whole = 0, 1, True
    shape = part.shape
    if numbers.shape != shape and numbers.size != (int(np.prod(shape)) if shape else 1):
        raise _outside(part, value, key)
    numbers = numbers.reshape(shape or ()).astype(np.float32)  # so that a limit's nearest double is not outside
    fits = np.isfinite(numbers) & (numbers >= low) & (numbers <= high)
    if not fits.all() or (whole and (numbers != np.floor(numbers)).any()):
        raise _outside(part, value, key)


def _outside(part: Any, value: Any, key: str) -> WorldsimError:
    where = f"{key}={value!r}" if key else repr(value)
    return WorldsimError(f"the action {where} is not in the action space: give {_wanted(part)}.")


def _wanted(part: Any) -> str:
    if hasattr(part, "low"):
        low, high = float(part.low.min()), float(part.high.max())
        count = int(np.prod(part.shape))
        return (
            f"{count} finite numbers from {low:g} to {high:g}"
            if count > 1
            else f"a finite number from {low:g} to {high:g}"
        )
    if hasattr(part, "nvec"):
        return f"{part.nvec.size} whole numbers from {part.start.min()}, below {(part.start + part.nvec).tolist()}"
    if hasattr(part, "start"):
        return f"a whole number from {part.start} to {part.start + part.n - 1}"
    return f"{part.n} zeros and ones"
