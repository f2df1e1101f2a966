"""The one guard for the packages beside ``worldsim``: ``envs``, ``evals`` and ``reports`` are generic names.

A user's own ``envs/`` folder must neither be taken for ours nor stop ours from loading.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType

from worldsim.core.errors import WorldsimError

OUR_FOLDER = Path(__file__).resolve().parents[2]
PACKAGES = ("worldsim", "envs", "evals", "reports")


def import_ours(module: str) -> ModuleType:
    """Import ``module`` (a dotted name in one of our packages) from the folder ``worldsim`` itself came from.

    Raises WorldsimError, naming the other package's place, when a foreign package of that name is already imported.
    """
    top = module.partition(".")[0]
    if top not in PACKAGES or top == "worldsim":
        return importlib.import_module(module)
    loaded = sys.modules.get(top)
    if loaded is not None:
        _check_ours(top, loaded)
        return importlib.import_module(module)
    # Ours goes first on the path for this one import, so that a folder of the same name elsewhere does not shadow it.
    sys.path.insert(0, str(OUR_FOLDER))
    try:
        _check_ours(top, importlib.import_module(top))
        return importlib.import_module(module)
    finally:
        sys.path.remove(str(OUR_FOLDER))


def _check_ours(top: str, found: ModuleType) -> None:
    places = [Path(place).resolve() for place in getattr(found, "__path__", [])]
    if OUR_FOLDER / top not in places:
        where = ", ".join(map(str, places)) or getattr(found, "__file__", "an unknown place")
        raise WorldsimError(
            f"another package called {top!r} was imported first, from {where}; worldsim's own is {OUR_FOLDER / top}. "
            f"Rename yours, or import worldsim's {top!r} before it."
        )
