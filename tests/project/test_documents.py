"""Every python and bash block of the documents runs, in the order a reader would run them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = ("README.md", "CONTRIBUTING.md")
BLOCK = re.compile(
    r"(?:<!-- not run: (?P<reason>[^\n]+?) -->\n)?```(?P<language>python|bash)\n(?P<code>.*?)^```$", re.M | re.S
)
# `make` would set up the environment this test runs in, and `make test` would run this test.
LEFT_OUT_LINE = re.compile(r"^make .*$", re.M)


@dataclass(frozen=True)
class Block:
    language: str
    code: str
    line: int
    reason: str | None  # why it is not run


def blocks_of(text: str) -> list[Block]:
    return [
        Block(
            match["language"],
            LEFT_OUT_LINE.sub("", match["code"]) if match["language"] == "bash" else match["code"],
            text.count("\n", 0, match.start("code")) + 1,
            match["reason"],
        )
        for match in BLOCK.finditer(text)
    ]


def run(block: Block, folder: Path) -> str:
    """Run a block in ``folder``; "" or what went wrong."""
    interpreter = [sys.executable, "-"] if block.language == "python" else ["bash", "-euo", "pipefail", "-s"]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        interpreter,
        input=block.code,
        cwd=folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
    )
    return "" if done.returncode == 0 else f"line {block.line}: exit code {done.returncode}\n{done.stdout}{done.stderr}"


@pytest.mark.parametrize("document", DOCUMENTS)
def test_the_code_in_the_document_runs(document, tmp_path):
    problems = []
    for block in blocks_of((ROOT / document).read_text()):
        if block.reason:
            print(f"{document}, line {block.line}, is not run: {block.reason}")
        else:
            problems += filter(None, [run(block, tmp_path)])
    assert not problems, "\n".join(problems)


def test_most_of_the_readme_is_run():
    blocks = blocks_of((ROOT / "README.md").read_text())
    assert len(blocks) == (ROOT / "README.md").read_text().count("```python") + (ROOT / "README.md").read_text().count(
        "```bash"
    )
    assert sum(block.reason is None for block in blocks) > len(blocks) / 2


def test_code_that_fails_is_told_with_its_line(tmp_path):
    text = (
        "# Title\n\n```bash\nmake demo\necho 1 > here\n```\n\n```python\nprint(open('here').read())\n1 / 0\n```\n"
        "<!-- not run: slow -->\n```bash\nfalse\n```\n```bash\nfalse\n```\n"
    )
    blocks = blocks_of(text)
    assert [(block.language, block.line, block.reason) for block in blocks] == [
        ("bash", 4, None),
        ("python", 9, None),
        ("bash", 14, "slow"),
        ("bash", 17, None),
    ]
    assert run(blocks[0], tmp_path) == ""
    assert "line 9: exit code 1\n1\n" in run(blocks[1], tmp_path)
    assert "ZeroDivisionError" in run(blocks[1], tmp_path)
    assert run(blocks[3], tmp_path).startswith("line 17: exit code 1")


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_what_the_document_points_to_is_there(document):
    text = (ROOT / document).read_text()
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", text)
    paths = re.findall(r"`((?:worldsim|envs|evals|reports|tests|benchmarks|docs)/[\w/.]+)`", text)
    assert [target for target in (*links, *paths) if not (ROOT / target).exists()] == []


def test_the_file_tree_of_the_readme_is_the_one_there_is():
    tree = re.search(r"^worldsim/ .*?^```$", (ROOT / "README.md").read_text(), re.M | re.S)
    assert tree
    top, missing = "", []
    for line in tree[0].splitlines()[:-1]:
        name = line.split()[0]
        top = name if not line.startswith(" ") else top
        folder = ROOT / name if name == top else ROOT / top / name
        missing += [] if folder.is_dir() else [str(folder.relative_to(ROOT))]
    assert missing == []


def test_the_documents_speak_of_no_one_elses_machine():
    for document in DOCUMENTS:
        assert not re.findall(r"(?:^|[\s`(\"'])/(?:home|root|work|Users|tmp)/\S*", (ROOT / document).read_text())
