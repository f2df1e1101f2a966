"""Numbers and names as a reader wants them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

ABSENT = "\N{EN DASH}"
MINUS = "\N{MINUS SIGN}"


def number(value: Any, digits: int = 3) -> str:
    """Three significant digits, no exponent between 0.001 and 100,000; a dash for what is absent."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return ABSENT
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int) or float(value).is_integer():
        whole = int(value)
        return f"{whole:,}".replace("-", MINUS) if abs(whole) < 1e9 else scientific(whole)
    size = abs(value)
    if size < 1e-9:  # what is left of a difference of equal numbers
        return "0"
    if size < 1e-3 or size >= 1e5:
        return scientific(value)
    decimals = max(0, digits - 1 - math.floor(math.log10(size)))
    return f"{value:.{min(decimals, 3)}f}".replace("-", MINUS)


def scientific(value: float) -> str:
    mantissa, exponent = f"{value:.1e}".split("e")
    powers = str(int(exponent)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"{mantissa.replace('-', MINUS)} \N{MULTIPLICATION SIGN} 10{powers}"


def interval(part: Mapping[str, Any] | None) -> str:
    """ "0.93 [0.90, 0.96]" from {"mean", "low", "high"}, all three with the same number of decimals."""
    found = [(part or {}).get(name) for name in ("mean", "low", "high")]
    mean, low, high = (float("nan") if value is None else float(value) for value in found)
    if not math.isfinite(mean):
        return ABSENT
    size = max(abs(value) for value in (mean, low, high) if math.isfinite(value))
    if 0 < size < 1e-3 or size >= 1e5:
        mean_text, low_text, high_text = number(mean), number(low), number(high)
    else:
        decimals = 2 if size == 0 else min(4, max(0 if size >= 100 else 1, 1 - math.floor(math.log10(size))))
        decimals = 2 if 0.1 <= size < 10 else decimals
        mean_text, low_text, high_text = (_fixed(value, decimals) for value in (mean, low, high))
    if not math.isfinite(low) or not math.isfinite(high):
        return mean_text.replace("-", MINUS)
    return f"{mean_text} [{low_text}, {high_text}]".replace("-", MINUS)


def _fixed(value: float, decimals: int) -> str:
    text = f"{value:.{decimals}f}"
    return text.lstrip("-") if not text.strip("-0.") else text  # never "-0.00"


def tick_text(value: float) -> str:
    """An axis label without trailing zeros."""
    text = number(value)
    return text.rstrip("0").rstrip(".") if "." in text and "\N{MULTIPLICATION SIGN}" not in text else text


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
