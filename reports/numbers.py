"""Numbers and names as a reader wants them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

ABSENT = "\N{EN DASH}"


def number(value: Any, digits: int = 3) -> str:
    """Three significant digits, no exponent between 0.001 and 100,000; a dash for what is absent."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return ABSENT
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int) or float(value).is_integer():
        whole = int(value)
        return f"{whole:,}" if abs(whole) < 1e9 else scientific(whole)
    size = abs(value)
    if size < 1e-3 or size >= 1e5:
        return scientific(value)
    decimals = max(0, digits - 1 - math.floor(math.log10(size)))
    return f"{value:.{min(decimals, 3)}f}".replace("-", "\N{MINUS SIGN}")


def scientific(value: float) -> str:
    mantissa, exponent = f"{value:.1e}".split("e")
    powers = str(int(exponent)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"{mantissa} \N{MULTIPLICATION SIGN} 10{powers}"


def interval(part: Mapping[str, Any] | None) -> str:
    """ "0.93 [0.90, 0.96]" from {"mean", "low", "high"}."""
    if not part or part.get("mean") is None:
        return ABSENT
    if part.get("low") is None or part.get("high") is None:
        return number(part["mean"])
    return f"{number(part['mean'])} [{number(part['low'])}, {number(part['high'])}]"


def duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def words(name: str) -> str:
    """A metric's name for a heading: "action_swap_2afc" becomes "action swap 2AFC"."""
    plain = name.replace("_", " ")
    for short in ("psnr", "ssim", "mse", "lpips", "fvd", "2afc", "auroc", "mmrv", "rgb"):
        plain = plain.replace(short, short.upper())
    return plain


def count(amount: int, singular: str, plural: str | None = None) -> str:
    return f"{amount:,} {singular if amount == 1 else plural or singular + 's'}"
