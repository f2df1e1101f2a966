"""Metrics by name: what each says, in which direction it is better, and whether it is a proportion.

``"psnr@8"`` is the metric ``psnr`` at horizon 8 (frames are counted from 1, the frame after the first action).
"""

from __future__ import annotations

from evals.metrics.registered import METRICS
from worldsim.core.registry import Entry

__all__ = ["METRICS", "metric_entry"]


def metric_entry(name: str) -> Entry:
    """The entry of a value's metric: ``psnr@8`` and ``psnr`` are the same one."""
    return METRICS.entry(name.partition("@")[0])
