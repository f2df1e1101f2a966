from __future__ import annotations

import pytest

from worldsim.data.collect import collect
from worldsim.data.store import EpisodeTable


@pytest.fixture(scope="session")
def arena(tmp_path_factory) -> EpisodeTable:
    """Three real episodes of 12 steps at 48x64, with captions of the whole of two of them."""
    from worldsim.data.captions import add_captions

    out = tmp_path_factory.mktemp("arena") / "arena.lance"
    table = collect(
        "voxel/arena",
        "envs.policies.random:RandomPolicy",
        3,
        out,
        max_steps=12,
        workers=1,
        env_kwargs={"height": 48, "width": 64},
        progress=lambda line: None,
    )
    rows = table.episodes.offsets.tolist()
    add_captions(out, "state", 1, {rows[0]: [(13, "a walk")], rows[2]: [(13, "a look, ä")]})
    return EpisodeTable.open(out)
