"""Makes ``gymnasium.make`` know the dream and every game. Imports no gymnasium, no torch and no game.

Gymnasium 1.0 removed its plugin entry points, so something has to import worldsim: ``import worldsim`` (or any part of
it) before or after ``import gymnasium``, or the id itself: ``gymnasium.make("worldsim:voxel/arena")``.
"""

from __future__ import annotations

import importlib.util
import sys
from functools import cache
from types import ModuleType
from typing import Any

from worldsim.core.siblings import OUR_FOLDER, import_ours


def install() -> None:
    """Register now if gymnasium is already imported, and otherwise as soon as it is."""
    if "gymnasium" in sys.modules:
        register()
    else:
        sys.meta_path.insert(0, _AfterGymnasium())


def register() -> None:
    """Register the dream, the adapter and every game with Gymnasium; called again, it does nothing."""
    import gymnasium

    if "worldsim/Dream-v0" not in gymnasium.registry:
        gymnasium.register(
            id="worldsim/Dream-v0",
            entry_point="worldsim.gym.dream:DreamEnv",
            vector_entry_point="worldsim.gym.vector:DreamVectorEnv",
        )
    if "worldsim/Gym-v0" not in gymnasium.registry:
        gymnasium.register(id="worldsim/Gym-v0", entry_point="worldsim.gym.plugin:adapt")
    table = _table_of_games()
    if table is not None:
        table.register()


def __getattr__(name: str) -> Any:
    """The entry points of the games, ``worldsim.gym.plugin:voxel/arena``: imports the game, with the guard's checks."""
    if "/" not in name:
        raise AttributeError(name)
    return import_ours("envs.registration").load_game(name)


def adapt(game: str, **kwargs: Any) -> Any:
    """The entry point of ``worldsim/Gym-v0``: any Gymnasium game ``game``, fitted to the contract of ours."""
    return import_ours("envs.adapters.gym_game").make_gym_game(game, **kwargs)


@cache
def _table_of_games() -> ModuleType | None:
    """``envs/registration.py``, run under a private name; None where worldsim was installed without its games.

    Registering must not put our ``envs`` into ``sys.modules``: a user's own package of that name would be hidden by it.
    """
    file = OUR_FOLDER / "envs" / "registration.py"
    if not file.exists():
        return None
    spec = importlib.util.spec_from_file_location("worldsim.gym._table_of_games", file)
    assert spec is not None
    assert spec.loader is not None
    table = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(table)
    return table


class _AfterGymnasium:
    """An import hook that finds gymnasium as always and calls :func:`register` once it has been imported."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        if name != "gymnasium":
            return None
        others = (finder for finder in sys.meta_path if finder is not self)
        spec = next(filter(None, (finder.find_spec(name, path, target) for finder in others)), None)
        if spec is not None and spec.loader is not None:
            self._register_after(spec.loader)
        return spec

    def _register_after(self, loader: Any) -> None:
        plain = loader.exec_module

        def exec_module(module: ModuleType) -> None:
            plain(module)
            if self in sys.meta_path:
                sys.meta_path.remove(self)
                register()

        loader.exec_module = exec_module
