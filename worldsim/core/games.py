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
from typing import Any

from worldsim.core.errors import UnknownNameError, WorldsimError
from worldsim.core.own_code import attribute_of, find_modules_here, load_file
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

    find_modules_here()
    if env_id.startswith(ADAPT):
        adapter = copy.deepcopy(gymnasium.spec(ADAPTER))
        adapter.kwargs["game"] = env_id.removeprefix(ADAPT)
        return adapter
    place, colon, name = env_id.rpartition(":")
    if place.endswith(".py") or env_id.endswith(".py"):
        if not place.endswith(".py"):
            raise WorldsimError(f"env={env_id}: which class of this file is the game? Write {env_id}:MyGame.")
        return EnvSpec(id=name, entry_point=attribute_of(load_file(place), name, f"game in {place}:", gymnasium.Env))
    if colon and name.isidentifier():
        module = import_ours(place)
        if hasattr(module, name) or name not in gymnasium.registry:
            return EnvSpec(id=name, entry_point=attribute_of(module, name, f"game in {place}:", gymnasium.Env))
    return env_id
