"""Games by the ids that every command, table and checkpoint writes; the one place where a game is made.

- ``voxel/arena``: a game of worldsim's own table, or any other id that is registered with Gymnasium
- ``package:Their/Game-v0``: as Gymnasium has it; the package is imported first
- ``my_game.py:MyGame`` or ``my_package.games:MyGame``: one's own class, which keeps the contract (``worldsim check``)
- ``gym:ID``: the game ``ID``, in any of these forms, fitted to the contract by an adapter

An id is plain text, so that it means the same in a worker process, in a file and on the command line.
"""

from __future__ import annotations

import copy
import difflib
import importlib.util
import os
import sys
from hashlib import blake2b
from pathlib import Path
from types import ModuleType
from typing import Any

from worldsim.core.errors import UnknownNameError, WorldsimError
from worldsim.core.siblings import import_ours

ADAPT, ADAPTER = "gym:", "worldsim/Gym-v0"


def make_game(env_id: str, **kwargs: Any) -> Any:
    """The ``gymnasium.Env`` called ``env_id``, made with ``kwargs``.

    Raises WorldsimError for an id that leads to no game and for a setting that the game does not have.
    """
    import gymnasium

    try:
        return gymnasium.make(_spec(env_id), **kwargs)
    except gymnasium.error.UnregisteredEnv as error:
        raise _unknown(env_id) from error
    except UnknownNameError as error:
        if error.kind == "environment" and env_id.startswith(ADAPT):
            raise _unknown(env_id) from error  # in the words of the user, who wrote more than the adapter saw
        raise
    except gymnasium.error.Error as error:
        raise WorldsimError(f"the game {env_id!r} cannot be made: {error}") from error
    except ModuleNotFoundError as error:
        package = env_id.rpartition(":")[0].partition(".")[0]
        if package and package == (error.name or package) and importlib.util.find_spec(package) is None:
            raise WorldsimError(f"the game {env_id!r} cannot be made: there is no module {package!r}.") from error
        raise
    except TypeError as error:
        if "unexpected keyword argument" in str(error) or "must inherit from the gymnasium.Env" in str(error):
            raise WorldsimError(f"the game {env_id!r} cannot be made: {error}") from error
        raise


def _unknown(env_id: str) -> WorldsimError:
    import gymnasium

    prefix = ADAPT if env_id.startswith(ADAPT) else ""
    known = [prefix + name for name in gymnasium.registry]
    if difflib.get_close_matches(env_id, known):
        return UnknownNameError("environment", env_id, known)
    return WorldsimError(
        f"unknown environment {env_id!r}. worldsim ls envs lists ours; a Gymnasium game is gym:ID, or gym:PACKAGE:ID "
        "where importing PACKAGE registers it; one of your own is FILE.py:CLASS or MODULE:CLASS."
    )


def _spec(env_id: str) -> Any:
    """What ``gymnasium.make`` takes: the id itself, or a spec for what Gymnasium's registry does not know."""
    import gymnasium
    from gymnasium.envs.registration import EnvSpec

    _find_modules_here()
    if env_id.startswith(ADAPT):
        adapter = copy.deepcopy(gymnasium.spec(ADAPTER))
        adapter.kwargs["game"] = env_id.removeprefix(ADAPT)
        return adapter
    place, colon, name = env_id.rpartition(":")
    if place.endswith(".py") or env_id.endswith(".py"):
        if not place.endswith(".py"):
            raise WorldsimError(f"env={env_id}: which class of this file is the game? Write {env_id}:MyGame.")
        return EnvSpec(id=name, entry_point=_attribute(_load_file(place), name, place))
    if colon and name.isidentifier():
        module = import_ours(place)
        if hasattr(module, name) or name not in gymnasium.registry:
            return EnvSpec(id=name, entry_point=_attribute(module, name, place))
    return env_id


def _find_modules_here() -> None:
    """Let modules of the folder we are in be imported: a console script, unlike ``python -m``, does not."""
    here = os.getcwd()
    if here not in sys.path and "" not in sys.path:
        sys.path.append(here)


def _load_file(place: str) -> ModuleType:
    """The module in a file, run once in a process, with the file's own folder first on the path as in a script."""
    file = Path(place).expanduser().resolve()
    if not file.is_file():
        raise WorldsimError(f"there is no file {place} in {os.getcwd()}; give the path from here, or a full one.")
    module_name = f"{file.stem}_{blake2b(str(file).encode(), digest_size=4).hexdigest()}"
    if module_name in sys.modules:
        return sys.modules[module_name]
    spec = importlib.util.spec_from_file_location(module_name, file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    sys.path.insert(0, str(file.parent))
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[module_name]
        raise
    finally:
        sys.path.remove(str(file.parent))
    return module


def _attribute(module: ModuleType, name: str, place: str) -> Any:
    import gymnasium

    if not hasattr(module, name):
        games = [
            key
            for key, value in vars(module).items()
            if isinstance(value, type) and issubclass(value, gymnasium.Env) and value.__module__ == module.__name__
        ]
        raise UnknownNameError(f"game in {place}:", name, games)
    return getattr(module, name)
