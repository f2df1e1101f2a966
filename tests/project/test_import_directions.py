"""Who may import whom, read from the source: imports at the top of a file, inside functions, and by name."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OURS = ("worldsim", "envs", "evals", "reports")
SIBLINGS = ("envs", "evals", "reports")
PARTS = tuple(
    f"worldsim.{part}"
    for part in ("data", "captions", "models", "diffusion", "training", "simulators", "generate", "gym")
)
ALLOWED = {
    "worldsim": ("worldsim.gym.plugin",),  # worldsim/__init__.py: the version, and the hook that registers the games
    "worldsim.core": ("worldsim.core",),
    "envs": ("envs", "worldsim.core"),
    "worldsim.text": ("worldsim.text", "worldsim.core"),
    **dict.fromkeys(PARTS, (*PARTS, "worldsim.text", "worldsim.core")),
    "evals": ("evals", "envs", "worldsim.core"),
    "reports": ("reports", "worldsim.core"),
    "worldsim.cli": ("worldsim",),
}
# Where a sibling may be asked for by name, through the guard: the command line, and the registration of the games.
MAY_NAME_SIBLINGS = ("worldsim.cli", "worldsim.gym.plugin")
NO_TORCH = ("worldsim", "worldsim.core", "worldsim.text", "worldsim.gym.plugin", "worldsim.cli", "envs", "reports")


def violations(module: str, source: str) -> list[str]:
    """What ``source``, as the module of that dotted name, imports against the table."""
    tree = ast.parse(source)
    zone = max((name for name in ALLOWED if _within(module, (name,))), key=len)
    in_functions = {
        id(inner)
        for outer in ast.walk(tree)
        if isinstance(outer, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
        for inner in ast.walk(outer)
    }
    found = []
    for node in ast.walk(tree):
        at_top = id(node) not in in_functions
        for name in _imported(node, module):
            top = name.partition(".")[0]
            if top in OURS and name != "worldsim" and not _within(name, ALLOWED[zone]):
                found.append(f"{module} imports {name}")
            elif zone == "worldsim.core" and at_top and top not in ("numpy", "worldsim", *sys.stdlib_module_names):
                found.append(f"{module} imports {name} at the top; worldsim.core is numpy and the standard library")
            elif top == "torch" and at_top and _longest(module, NO_TORCH):
                found.append(f"{module} imports {name} at the top")
        named = _named(node)
        if named and named.partition(".")[0] in SIBLINGS and module.partition(".")[0] == "worldsim":
            if not _within(module, MAY_NAME_SIBLINGS):
                found.append(f"{module} asks for {named}")
            elif ast.unparse(node.func).rpartition(".")[2] != "import_ours":  # type: ignore[attr-defined]
                found.append(f"{module} imports {named} past the guard import_ours")
    return found


def _imported(node: ast.AST, module: str) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        base = module.split(".")[: -node.level] if node.level else []
        source = ".".join([*base, *([node.module] if node.module else [])])
        # ``from worldsim import core`` imports worldsim.core
        return [f"{source}.{alias.name}" for alias in node.names] if source == "worldsim" else [source]
    return []


def _named(node: ast.AST) -> str | None:
    """The module a call like ``import_ours("envs.registration")`` asks for."""
    names = ("import_ours", "import_module", "__import__")
    if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
        return str(node.args[0].value) if ast.unparse(node.func).rpartition(".")[2] in names else None
    return None


def _within(name: str, prefixes: tuple[str, ...]) -> bool:
    return any(name == prefix or name.startswith(f"{prefix}.") for prefix in prefixes)


def _longest(module: str, zones: tuple[str, ...]) -> bool:
    """Whether the most specific zone of ``module`` is one of ``zones``: worldsim.models is not meant by worldsim."""
    most_specific = max((name for name in (*ALLOWED, *zones) if _within(module, (name,))), key=len)
    return most_specific in zones


def _modules() -> list[tuple[str, Path]]:
    files = [file for package in OURS for file in sorted((ROOT / package).rglob("*.py"))]
    names = [".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for file in files]
    return list(zip(names, files, strict=True))


def test_every_import_goes_in_the_right_direction():
    modules = _modules()
    assert len(modules) > 50
    assert [broken for name, file in modules for broken in violations(name, file.read_text())] == []


@pytest.mark.parametrize(
    ("module", "source", "message"),
    [
        ("worldsim.core.types", "import torch", "worldsim.core.types imports torch at the top; worldsim.core is numpy"),
        ("worldsim.core.types", "def f():\n    from worldsim import data", "worldsim.core.types imports worldsim.data"),
        ("worldsim.gym.dream", "from envs.voxel import env", "worldsim.gym.dream imports envs.voxel"),
        ("worldsim.gym.dream", "def f():\n    import evals", "worldsim.gym.dream imports evals"),
        ("worldsim.data.store", "import_ours('envs.policies')", "worldsim.data.store asks for envs.policies"),
        ("worldsim.cli.x", "importlib.import_module('envs')", "worldsim.cli.x imports envs past the guard import_ours"),
        ("worldsim.cli.x", "import torch", "worldsim.cli.x imports torch at the top"),
        ("worldsim.cli.x", "import envs", "worldsim.cli.x imports envs"),
        ("envs.voxel.env", "from evals.suite import Suite", "envs.voxel.env imports evals.suite"),
        ("envs.voxel.env", "from worldsim.gym import dream", "envs.voxel.env imports worldsim.gym"),
        ("evals.run", "def f():\n    from worldsim.simulators import load", "evals.run imports worldsim.simulators"),
        ("reports.html", "from evals import summary", "reports.html imports evals"),
        ("worldsim", "from worldsim.gym.dream import DreamEnv", "worldsim imports worldsim.gym.dream"),
        ("evals.a.b", "from ..c import d\nfrom ...worldsim.cli import e", "evals.a.b imports worldsim.cli"),
    ],
)
def test_a_wrong_direction_is_found(module, source, message):
    found = violations(module, source)
    assert len(found) == 1
    assert found[0].startswith(message)
