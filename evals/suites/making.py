"""Suites from their names."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

from evals.metrics import metric_entry
from evals.suite import Suite
from evals.suites import SUITES
from worldsim.core.errors import WorldsimError


def make_suites(names: Sequence[str], overrides: Mapping[str, Mapping[str, Any]] | None = None) -> list[Suite]:
    """The suites called ``names``, a user's own among them (``FILE.py:CLASS``), with settings by the suite's name.

    Raises WorldsimError for a name that leads to no suite, for a setting that a suite does not have, and for a suite of
    a user's that is called like one of ours or whose primary metric is not registered.
    """
    if not names:
        raise WorldsimError(f"no suite was asked for; give suite=[...] of {', '.join(SUITES.names())}.")
    overrides = overrides or {}
    classes = [_suite_class(name) for name in dict.fromkeys(names)]
    known = [found.name for found in classes]
    for name in overrides:
        if name not in known:
            SUITES.entry(name)  # settings of a suite that was not asked for are nobody's business, but it must exist
    for name in known:
        if known.count(name) > 1:
            raise WorldsimError(f"two suites are called {name!r}; give each a name of its own.")
    suites = [found(**overrides.get(found.name, {})) for found in classes]
    for suite in suites:
        metric_entry(suite.primary)
    return suites


def _suite_class(name: str) -> type[Suite]:
    found = SUITES.load(name)
    if not (isinstance(found, type) and issubclass(found, Suite)):
        raise WorldsimError(f"{name} is no suite; derive it from evals.suite.Suite.")
    if inspect.isabstract(found):
        raise WorldsimError(f"{name} is no whole suite; it lacks {', '.join(sorted(found.__abstractmethods__))}.")
    if name not in SUITES and found.name in SUITES:
        raise WorldsimError(f"{name} is called {found.name!r}, as one of worldsim's own is; give it another name.")
    return found
