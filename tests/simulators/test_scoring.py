"""Surprise at a clip: what is predicted does not surprise, equal noise compares clips, and no frame is left out."""

import numpy as np
import pytest

from worldsim.core.errors import WorldsimError
from worldsim.core.protocols import Scorable
from worldsim.simulators import load

SIZE, CHANNELS, FRAMES = (32, 48), 2, 12  # the stand-in's window is 4: all its layers together see fewer frames


@pytest.fixture(scope="module")
def simulator(random_checkpoint):
    return load(str(random_checkpoint), precision="float32")


def clips(count: int, frames: int = FRAMES) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    still = np.repeat(rng.integers(0, 255, (count, 1, *SIZE, 3), np.uint8), frames, 1)
    return still, np.zeros((count, frames - 1, CHANNELS), np.float32)


def test_a_simulator_of_ours_is_scorable(simulator):
    assert isinstance(simulator, Scorable)


def test_every_frame_but_the_first_has_a_surprise_that_depends_on_the_seed_alone(simulator):
    frames, actions = clips(2)
    frames[1] = frames[0]
    surprise = simulator.score(frames, actions, [5, 5])
    assert surprise.shape == (2, FRAMES)
    assert (surprise[:, 0] == 0).all() and (surprise[:, 1:] > 0).all()
    np.testing.assert_allclose(surprise[0], surprise[1], rtol=1e-5)
    assert not np.allclose(surprise[0], simulator.score(frames[:1], actions[:1], [6])[0], rtol=1e-3)


def test_clips_that_begin_alike_surprise_alike_until_they_part(simulator):
    frames, actions = clips(2)
    frames[1] = frames[0]
    frames[1, 7:] = 255 - frames[1, 7:]
    same, other = simulator.score(frames, actions, [5, 5])
    np.testing.assert_allclose(same[:7], other[:7], rtol=1e-5)
    assert abs(same[7] - other[7]) > 0.01 * same[7]


def test_a_jump_surprises_a_network_that_expects_what_was_there(tmp_path_factory):
    """The untrained stand-in says of every frame that it is the one before."""
    from stand_in import write_checkpoint

    simulator = load(str(write_checkpoint(tmp_path_factory.mktemp("untrained"))), precision="float32")
    frames, actions = clips(1)
    frames[0, 6:] = 255 - frames[0, 6:]
    surprise = simulator.score(frames, actions, [1])[0]
    assert surprise.argmax() == 6
    assert surprise[6] > 5 * np.delete(surprise, 6).max()


def test_frames_of_another_size_are_refused(simulator):
    with pytest.raises(WorldsimError, match="32x48"):
        simulator.score(np.zeros((1, 3, 16, 16, 3), np.uint8), np.zeros((1, 2, CHANNELS), np.float32), [0])
