"""Many dreams in one simulator: each slot is the single environment, to the bit."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest
from gymnasium.error import ResetNeeded
from gymnasium.vector import AutoresetMode
from gymnasium.vector.utils import iterate

from worldsim.core.actions import ActionCodec
from worldsim.core.errors import WorldsimError


def test_each_slot_equals_the_single_environment(dream_factory, vector_factory):
    """Through three episodes a slot, with next-step autoreset: frames, rewards, flags and info are DreamEnv's."""
    vec = vector_factory(3, horizon=5)
    singles = [dream_factory(horizon=5) for _ in range(3)]
    obs, infos = vec.reset(seed=40)
    for slot, env in enumerate(singles):
        frame, info = env.reset(seed=40 + slot)
        assert (obs[slot] == frame).all()
        assert info == {key: infos[key][slot] for key in info}
    vec.action_space.seed(0)
    over = [False] * 3
    for _ in range(15):
        actions = vec.action_space.sample()
        obs, rewards, terminated, truncated, infos = vec.step(actions)
        for slot, (env, action) in enumerate(zip(singles, iterate(vec.action_space, actions), strict=True)):
            if over[slot]:
                (frame, info), result = env.reset(), (0.0, False, False)
            else:
                frame, *result, info = env.step(action)
            assert (obs[slot] == frame).all()
            assert (rewards[slot], terminated[slot], truncated[slot]) == tuple(result)
            assert info == {key: infos[key][slot] for key in info}
            over[slot] = result[1] or result[2]


def test_the_step_that_starts_a_slot_anew_gives_no_reward_and_no_end(replayed_game):
    noisy = type(replayed_game)(noise=0.25)
    vec = gymnasium.make_vec("worldsim/Dream-v0", num_envs=2, simulator=noisy, horizon=2, termination_threshold=0.3)
    vec.reset(seed=0)
    still = {name: np.zeros_like(part) for name, part in vec.action_space.sample().items()}  # breaks no gem: no reward
    steps = [vec.step(still) for _ in range(6)]
    assert [rewards.tolist() for _, rewards, *_ in steps] == [[0.25, 0.25], [0.25, 0.25], [0.0, 0.0]] * 2
    assert [truncated.tolist() for *_, truncated, _ in steps] == [[False] * 2, [True] * 2, [False] * 2] * 2
    vec.close()


def test_slots_end_and_begin_at_different_times(vector_factory):
    vec = vector_factory(3, horizon=4)
    still = {name: np.zeros_like(part) for name, part in vec.action_space.sample().items()}  # nothing ends by itself
    vec.reset(seed=0)
    for _ in range(2):
        vec.step(still)
    mask = np.array([False, True, False])
    before = vec.get_state().slots[0].frame
    obs, infos = vec.reset(seed=[None, 77, None], options={"reset_mask": mask})
    assert (obs[0] == before).all()
    assert infos["horizon_left"].tolist() == [0, 4, 0]  # slots that were not reset have no info
    assert infos["_horizon_left"].tolist() == [False, True, False]
    assert infos["seed"][1] == 77
    ends = [vec.step(still)[3].tolist() for _ in range(4)]
    assert ends == [[False] * 3, [True, False, True], [False] * 3, [False, True, False]]


def test_other_slots_do_not_matter(vector_factory):
    """A slot's frames are the same whatever the others do."""
    vec = vector_factory(2)
    results = []
    for other_seed in (5, 6):
        vec.reset(seed=[1, other_seed])
        vec.single_action_space.seed(0)
        frames = []
        for _ in range(6):
            action = vec.single_action_space.sample()
            batch = {key: np.stack([value, value * 0]) for key, value in action.items()}
            frames.append(vec.step(batch)[0][0])
        results.append(np.stack(frames))
    assert (results[0] == results[1]).all()


def test_one_saved_dream_fans_out_into_all_slots(dream_factory, vector_factory):
    env, vec = dream_factory(), vector_factory(3)
    env.reset(seed=9)
    still = ActionCodec.from_space(env.action_space)
    assert not env.step(still.decode(still.vector()))[2]  # an ended dream would begin anew in a vector
    frames = vec.set_state(env.get_state())
    assert (frames == frames[0]).all()
    vec.action_space.seed(1)
    actions = vec.action_space.sample()
    obs = vec.step(actions)[0]
    saved, state = [], env.get_state()
    for action in iterate(vec.action_space, actions):
        env.set_state(state)
        saved.append(env.step(action)[0])
    assert (obs == np.stack(saved)).all()
    with pytest.raises(WorldsimError, match="a state of 3 dreams does not fit 1"):
        env.set_state(vec.get_state())


def test_metadata_and_rendering(vector_factory):
    vec = vector_factory(2, render_mode="rgb_array")
    assert vec.metadata["autoreset_mode"] is AutoresetMode.NEXT_STEP
    with pytest.raises(ResetNeeded):
        vec.render()
    obs, _ = vec.reset(seed=0)
    assert all((frame == seen).all() for frame, seen in zip(vec.render(), obs, strict=True))
    assert obs in vec.observation_space
    vec.close()
    vec.close()


BAD_CALLS = [
    (lambda vec: vec.reset(seed=[1, 2, 3]), "3 seeds for 2 dreams"),
    (lambda vec: vec.reset(options={"reset_mask": [False, False]}), "reset_mask must be 2 booleans"),
    (lambda vec: vec.step({}), "the action lacks"),
    (lambda vec: vec.step(vec.single_action_space.sample()), "actions for 2 dreams are needed in every entry"),
    (
        lambda vec: vec.step(vec.action_space.sample() | {"camera": np.full((2, 2), 500.0)}),
        "'camera_pitch_down_deg' must be between -180 and 180; got 500",
    ),
]


@pytest.mark.parametrize(("call", "message"), BAD_CALLS)
def test_bad_calls_say_what_is_wrong(replayed_game, call, message):
    vec = gymnasium.make_vec("worldsim/Dream-v0", num_envs=2, simulator=replayed_game)
    vec.reset(seed=0)
    with pytest.raises(WorldsimError, match=message):
        call(vec)
    vec.close()


def test_a_simulator_without_reset_slots_dreams_one_stream(replayed_game):
    class OneByOne:
        name = "one_by_one"
        reset, step, branch = replayed_game.reset, replayed_game.step, replayed_game.branch
        describe = replayed_game.describe

    with pytest.raises(WorldsimError, match="has no reset_slots"):
        gymnasium.make_vec("worldsim/Dream-v0", num_envs=2, simulator=OneByOne())
    gymnasium.make("worldsim/Dream-v0", simulator=OneByOne()).close()
    with pytest.raises(WorldsimError, match="num_envs must be at least 1"):
        gymnasium.make_vec("worldsim/Dream-v0", num_envs=0, simulator=replayed_game)
