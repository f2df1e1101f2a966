"""``worldsim train`` by scale and compute: what cannot be meant is refused before anything is read or computed."""

import pytest

from worldsim.cli.main import main

GIVEN = ["train", "recipe=simulator", "data=nowhere.lance", "vae=pixels", "out=run"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["scale=4x"], "scale=4x needs compute="),
        (["scale=4x", "compute=-1"], "compute=-1 must be positive"),
        (["compute=0"], "compute=0 must be positive"),
        (["scale=5x", "compute=1e14"], "unknown scale '5x'. Known: 32x, 4x, base"),
        (["scale=4x", "compute=1e14", "steps=4000"], "steps=4000 and compute=1e+14 both say how long"),
        (["compute=1e14"], "no recorded table at nowhere.lance"),
    ],
)
def test_bad_input(words, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main([*GIVEN, *words]) == 2
    assert message in capsys.readouterr().err
    assert not any(tmp_path.iterdir())
