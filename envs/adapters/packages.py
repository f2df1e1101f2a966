"""Packages whose games Gymnasium knows only after an import, by how their ids begin."""

from __future__ import annotations

import importlib
import importlib.util

from worldsim.core.errors import MissingDependencyError, WorldsimError

PACKAGES = {"ALE/": "ale_py", "MiniGrid-": "minigrid", "BabyAI-": "minigrid", "MiniWorld-": "miniworld"}
EXTRA = "games"


def import_package_of(game: str) -> None:
    """Import the package that registers ``game``, where it is one of ``PACKAGES``; others are named in their ids.

    Raises MissingDependencyError where it is not installed, WorldsimError where it does not start.
    """
    package = next((package for start, package in PACKAGES.items() if game.startswith(start)), None)
    if package is None:
        return
    if importlib.util.find_spec(package) is None:
        raise MissingDependencyError(package, EXTRA, f"the game {game!r}")
    if package == "miniworld":
        _import_miniworld(game)
    else:
        importlib.import_module(package)


def _import_miniworld(game: str) -> None:
    """It draws with OpenGL by way of pyglet, which decides at its first import whether there is a display."""
    import pyglet

    pyglet.options["headless"] = True
    try:
        importlib.import_module("miniworld")
    except ImportError as error:
        raise WorldsimError(
            f"the game {game!r} draws with OpenGL without a display, which this machine cannot do ({error}): "
            "install EGL and GLU (Debian: apt install libegl1 libglu1-mesa libgl1-mesa-dri)."
        ) from error
