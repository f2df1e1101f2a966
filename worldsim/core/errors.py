"""Errors a user can cause; the command line prints them as one paragraph and exits with code 2."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class WorldsimError(ValueError):
    """Something a user can put right: the message names the value and the remedy."""


class UnknownNameError(WorldsimError):
    """A name that is in no registry."""

    def __init__(self, kind: str, name: str, known: Iterable[str]):
        self.kind, self.name, self.known = kind, name, sorted(known)
        super().__init__(f"unknown {kind} {name!r}.{did_you_mean(name, self.known)}")


class MissingDependencyError(WorldsimError):
    """A package that is not installed; ``extra`` is the optional group it is in, "" for one every install has.

    ``install`` says how to get it, where pip alone does not do.
    """

    def __init__(self, package: str, extra: str, purpose: str, install: str = ""):
        remedy = install or "pip install " + (f"'worldsim[{extra}]'" if extra else package)
        super().__init__(f"{purpose} needs {package}, which is not installed: {remedy}.")


class DamagedFileError(WorldsimError):
    """A file that exists but cannot be read as what it should be."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A sentence with the nearest names, or with all of them when none is near."""
    known = list(known)
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.6)
    if near:
        return f" Did you mean {' or '.join(repr(n) for n in near)}?"
    return f" Known: {', '.join(known)}." if known else " None is known."
