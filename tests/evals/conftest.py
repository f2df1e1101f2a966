import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def band():
    """The tests' own game, registered; its module has the simulators that go with it."""
    import tiny_game

    tiny_game.register()
    return tiny_game


@pytest.fixture(scope="session")
def case_cache(tmp_path_factory):
    """Real branches shared by the tests of this folder."""
    return tmp_path_factory.mktemp("cases")


@pytest.fixture(scope="module")
def games():
    """Real games, started when first asked for."""
    from evals.games import RealGames

    games = RealGames()
    yield games
    games.close()
