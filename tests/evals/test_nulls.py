"""Nulls beside the older ones: another seed's world, the context again, a blur, the training data by heart."""

import numpy as np
import pytest

from evals.controls.blurred_oracle import BlurredOracle
from evals.controls.copy_context import CopyContext
from evals.controls.making import make_controls
from evals.controls.nearest_training_clip import NearestTrainingClip
from evals.controls.other_seed import OtherSeed
from evals.metrics.pixels import psnr
from evals.suites.drift import DriftSuite
from worldsim.core.errors import WorldsimError
from worldsim.core.types import Episode

GAME = "voxel/arena"


@pytest.fixture(scope="module")
def case(games):
    return DriftSuite(horizon=12, independent_episodes=1, context_frames=8).build(games.get(GAME, {}), 0)


class Data:
    """Episodes of ``seeds`` as a table would give them; ``read`` counts how often one is read."""

    env_id, content_key = GAME, "test"

    def __init__(self, game, seeds, steps=80):
        self.episodes = []
        for seed in seeds:
            one = game.record("explorer", seed, steps)
            self.episodes.append(Episode(one.frames, one.actions, one.rewards, False, True, GAME, seed, game.fps))

    def __len__(self):
        return len(self.episodes)

    def read_episode(self, index):
        return self.episodes[index]


def test_another_seeds_world_is_real_and_another(games, case):
    control = OtherSeed(games)
    found = control.answer(case, 0)["recorded"]
    real = case.real["recorded"].frames
    assert found.frames.shape == real.shape
    assert psnr(found.frames, real).max() < 40
    assert np.abs(np.diff(found.frames.astype(int), axis=0)).mean() > 0.2  # it is played on
    assert (control.answer(case, 5)["recorded"].frames == found.frames).all()


def test_the_context_comes_again(case):
    frames = CopyContext().answer(case, 0)["recorded"].frames
    assert (frames[:8] == case.context_frames).all() and (frames[8:] == case.context_frames[:4]).all()


def test_a_blur_keeps_colours_and_loses_detail(case):
    frames, real = BlurredOracle().answer(case, 0)["recorded"].frames, case.real["recorded"].frames
    assert np.abs(frames.mean((1, 2)) - real.mean((1, 2))).max() < 4
    assert np.abs(np.diff(frames.astype(int), axis=2)).mean() < 0.5 * np.abs(np.diff(real.astype(int), axis=2)).mean()


def test_training_data_known_by_heart_is_found_again(games, case):
    """An episode that the data holds is continued exactly; without it another one is, as long as it should be."""
    game, real = games.get(GAME, {}), case.real["recorded"].frames
    steps = len(case.scenario.prefix) + case.scenario.horizon
    with_it = NearestTrainingClip(Data(game, [5, case.scenario.seed, 6], steps))
    assert (with_it.answer(case, 0)["recorded"].frames == real).all()
    without = NearestTrainingClip(Data(game, [5, 6])).answer(case, 0)["recorded"].frames
    assert without.shape == real.shape and (without != real).any()
    with pytest.raises(WorldsimError, match="longer than 16 frames"):
        NearestTrainingClip(Data(game, [5], 10)).answer(case, 0)


def test_controls_that_lack_what_they_need_are_left_out(games):
    names = ["oracle", "oracle_vae", "nearest_training_clip", "copy_context"]
    data = Data(games.get(GAME, {}), [5])
    assert [one.name for one, _ in make_controls(names, GAME, games, [])] == ["oracle", "copy_context"]
    made = [one.name for one, _ in make_controls(names, GAME, games, [], data)]
    assert made == ["oracle", "nearest_training_clip", "copy_context"]
    assert len(make_controls(names, "doom/basic", games, [], data)) == 2
