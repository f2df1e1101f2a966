"""Code of the user's own, named in plain text as ``FILE.py:CLASS`` or ``MODULE:CLASS``: games, suites, policies."""

from __future__ import annotations

import importlib.util
import os
import sys
from hashlib import blake2b
from pathlib import Path
from types import ModuleType
from typing import Any

from worldsim.core.errors import UnknownNameError, WorldsimError
from worldsim.core.siblings import import_ours


def load_own(name: str, kind: str) -> Any:
    """What ``FILE.py:CLASS`` or ``MODULE:CLASS`` names; ``kind`` is what it should be, for the messages.

    Raises WorldsimError where there is no such file, module or class.
    """
    place, _, attribute = name.rpartition(":")
    if not place or attribute.endswith(".py"):
        raise WorldsimError(f"which class of {name} is the {kind}? Write {name}:MyClass.")
    find_modules_here()
    if place.endswith(".py"):
        return attribute_of(load_file(place), attribute, f"{kind} in {place}:")
    try:
        module = import_ours(place)
    except ModuleNotFoundError as error:
        if error.name and (place == error.name or place.startswith(f"{error.name}.")):
            raise WorldsimError(f"the {kind} {name!r} cannot be loaded: there is no module {error.name!r}.") from error
        raise
    return attribute_of(module, attribute, f"{kind} in {place}:")


def find_modules_here() -> None:
    """Let modules of the folder we are in be imported: a console script, unlike ``python -m``, does not."""
    here = os.getcwd()
    if here not in sys.path and "" not in sys.path:
        sys.path.append(here)


def load_file(place: str) -> ModuleType:
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


def attribute_of(module: ModuleType, name: str, where: str, base: type = object) -> Any:
    """An attribute; UnknownNameError, with the module's own classes derived from ``base``, for one it does not have."""
    if not hasattr(module, name):
        classes = [value for value in vars(module).values() if isinstance(value, type) and issubclass(value, base)]
        raise UnknownNameError(where, name, [own.__name__ for own in classes if own.__module__ == module.__name__])
    return getattr(module, name)
