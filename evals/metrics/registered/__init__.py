"""The table of metrics, a module for each kind; a metric's own module is imported when it is used."""

from __future__ import annotations

from evals.metrics.registered import actions_and_words, drift, geometry, memory, physics, pictures
from worldsim.core.registry import Registry

METRICS = Registry("metric")
for _kind in (actions_and_words, drift, geometry, memory, physics, pictures):
    _kind.add_to(METRICS)
