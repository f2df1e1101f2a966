"""``worldsim expand`` as a person types it."""

from __future__ import annotations

import pytest

from worldsim.cli.main import main
from worldsim.data.captions import add_captions
from worldsim.data.collect import collect


@pytest.fixture
def table(tmp_path) -> str:
    """A recorded table with captions."""
    path = tmp_path / "a.lance"
    collect(
        "voxel/arena", "envs.policies.random:RandomPolicy", 1, path, max_steps=3, workers=1, progress=lambda line: None
    )
    texts = ["the desert at night with a red pillar", "a meadow by day with a blue cube", "The player turns left."]
    add_captions(str(path), "state", 1, {0: [(4, text) for text in texts]})
    return str(path)


def test_a_prompt_is_written_out(table, capsys):
    assert main(["expand", "a scarlet tower over Paris, spin left", f"data={table}"]) == 0
    out, err = capsys.readouterr()
    assert out == "The desert at night with a red pillar. The player turns left.\n"
    assert err == "worldsim: left out, as no training caption says it: paris\n"


def test_what_is_missing_is_said(shell):
    assert "name that model with simulator=, or a table of captions with data=" in shell.refuses("expand", "a tower")
    assert "voxel-base has no captions.json" in shell.refuses("expand", "a tower", "simulator=voxel-base")
    assert "expand needs 'prompt'" in shell.refuses("expand")
    assert "Did you mean 'endpoint'" in shell.refuses("expand", "a tower", "expander=endpint")
    assert "'url' and 'model'" in shell.refuses("expand", "a tower", "expander=endpoint")


def test_help_shows_the_settings_of_the_named_expander(shell):
    text = shell("expand", "expander=transformers", "--help").stdout
    assert "usage: worldsim expand PROMPT model=... [setting=value ...]" in text
    assert "max_tokens" in text and "timeout_s" not in text
