from __future__ import annotations

from pathlib import Path

import pytest

from worldsim.data.collect import collect


@pytest.fixture(scope="session")
def record():
    """Records the counting game: ``record(out, episodes, **settings)``."""
    patch = pytest.MonkeyPatch()
    patch.syspath_prepend(str(Path(__file__).parent))  # for this process and the collecting ones

    def call(out, episodes=20, **settings):
        defaults = {"max_steps": 20, "seed": 3, "workers": 1, "progress": lambda line: None}
        return collect(
            "counting_game:test/Counting-v0", "counting_game:CyclingPolicy", episodes, out, **defaults | settings
        )

    yield call
    patch.undo()


@pytest.fixture(scope="session")
def counting_table(tmp_path_factory, record):
    """20 episodes of 7 to 21 frames; the longer ones are cut at 20 steps, the others end by themselves."""
    return record(tmp_path_factory.mktemp("tables") / "counting.lance")
