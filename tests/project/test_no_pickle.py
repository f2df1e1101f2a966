"""No file is read that could run code: neither pickles, nor numpy arrays of objects, nor more than torch tensors."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("worldsim", "envs", "evals", "reports", "benchmarks", "examples", "tests")
READERS = {"torch.load", "torch.save", "joblib.load", "joblib.dump"}
PICKLES = {"pickle", "dill", "cloudpickle", "shelve", "marshal"}


def pickling(source: str) -> list[str]:
    """The lines of ``source`` that pickle, with what they do."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [f"{node.lineno}: import {alias.name}" for alias in node.names if alias.name in PICKLES]
        elif isinstance(node, ast.ImportFrom) and node.module in PICKLES:
            found.append(f"{node.lineno}: from {node.module}")
        elif isinstance(node, ast.Call):
            tensors_only = any(k.arg == "weights_only" and ast.unparse(k.value) == "True" for k in node.keywords)
            if ast.unparse(node.func) in READERS and not tensors_only:
                found.append(f"{node.lineno}: {ast.unparse(node.func)}")
            for keyword in node.keywords:
                if keyword.arg == "allow_pickle" and ast.unparse(keyword.value) != "False":
                    found.append(f"{node.lineno}: allow_pickle")
    return found


def test_nothing_is_pickled():
    files = [file for folder in FOLDERS for file in sorted((ROOT / folder).rglob("*.py"))]
    assert len(files) > 50
    assert [f"{file.relative_to(ROOT)}:{line}" for file in files for line in pickling(file.read_text())] == []


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from pickle import loads",
        "def f(p):\n    import torch\n    return torch.load(p)",
        "import torch\ntorch.load('a.pth', weights_only=False)",
        "import numpy as np\nnp.load('a.npy', allow_pickle=True)",
    ],
)
def test_a_pickle_is_found(source):
    assert pickling(source)


def test_tensors_alone_are_no_pickle():
    assert pickling("import torch\ntorch.load('a.pth', weights_only=True)") == []
