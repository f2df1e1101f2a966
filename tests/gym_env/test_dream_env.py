"""The dream environment over a simulator that is the real game, so that every frame has a known right answer."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest
from gymnasium.error import ResetNeeded

from worldsim.core.actions import ActionCodec
from worldsim.core.errors import UnknownNameError, WorldsimError
from worldsim.core.types import Context, Prediction
from worldsim.data.collect import collect

ARENA = "voxel/arena"


@pytest.fixture
def make_dream(replayed_game):
    made = []

    def make(simulator=None, **kwargs):
        made.append(gymnasium.make("worldsim/Dream-v0", simulator=simulator or replayed_game, **kwargs).unwrapped)
        return made[-1]

    yield make
    for env in made:
        env.close()


@pytest.fixture
def game():
    env = gymnasium.make(ARENA)
    yield env
    env.close()


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    path = str(tmp_path_factory.mktemp("data") / "arena.lance")
    return collect(ARENA, "envs.policies.random:StickyRandomPolicy", 3, path, max_steps=12, workers=1)


def actions_of(space, count, seed):
    space.seed(seed)
    return [space.sample() for _ in range(count)]


def test_action_t_leads_to_frame_t_plus_1(make_dream, game):
    """The dream of a simulator that is the game equals the game frame by frame; a shift by one would not."""
    env = make_dream()
    actions = actions_of(game.action_space, 20, 1)
    dream, real = [env.reset(seed=11)[0]], [game.reset(seed=11)[0]]
    for action in actions:
        dream.append(env.step(action)[0])
        real.append(game.step(action)[0])
    assert (np.stack(dream) == np.stack(real)).all()
    assert (np.stack(dream)[1:] != np.stack(real)[:-1]).any()


class ReplayedDoom:
    """A simulator that is real ViZDoom, brought to each step by replay."""

    name = "replayed_doom"

    def __init__(self):
        self.game = gymnasium.make("doom/my_way_home").unwrapped
        self.codec = ActionCodec.from_space(self.game.action_space)

    def describe(self):
        size = {"height": 48, "width": 64, "fps": 8.75}
        return {"env_ids": ["doom/my_way_home"], "env_kwargs": {}, "codec": self.codec.to_json(), **size}

    def reset(self, contexts, prompts, seeds):
        return [(context.origin.seed, list(context.origin.prefix)) for context in contexts]

    def step(self, state, actions):
        ((seed, taken),) = state
        self.game.replay(seed, np.array(taken, np.float32).reshape(-1, len(self.codec)))
        frame, reward, terminated, _, _ = self.game.step(self.codec.decode(actions[0]))
        now = [(seed, [*taken, actions[0]])]
        return now, Prediction(frame[None], np.array([reward], np.float32), np.array([terminated], np.float32))

    def branch(self, state, slots):
        return [state[slot] for slot in slots]


def test_the_same_on_a_game_that_branches_by_replay(make_dream):
    simulator = ReplayedDoom()
    env = make_dream(simulator, context_frames=3)
    doom = gymnasium.make("doom/my_way_home")
    seen, _ = env.reset(seed=4)
    doom.reset(seed=4)
    nothing = env.codec.decode(env.codec.vector())
    assert (seen == [doom.step(nothing)[0] for _ in range(2)][-1]).all()
    for action in actions_of(env.action_space, 10, 2):
        assert (env.step(action)[0] == doom.step(action)[0]).all()
    assert env.metadata["render_fps"] == doom.metadata["render_fps"]
    doom.close()
    simulator.game.close()


def test_rewards_and_the_end_come_from_the_simulator(make_dream, game):
    """Walk straight at the beacon: dream and game give the reward and end on the same step."""
    env = make_dream()
    target, actions = walk_to_the_beacon(game)
    env.reset(seed=target)
    results = [env.step(action) for action in actions]
    assert [bool(terminated) for _, _, terminated, _, _ in results] == [False] * (len(actions) - 1) + [True]
    assert results[-1][1] == pytest.approx(1.0)
    assert results[-1][4]["termination_prob"] == 1.0


def walk_to_the_beacon(game):
    """A seed and the actions of an episode that ends at the beacon, found by the explorer."""
    from envs.policies.explorer import make_explorer

    codec = ActionCodec.from_space(game.action_space)
    for seed in range(60):
        policy = make_explorer(game.unwrapped)
        obs, _ = game.reset(seed=seed)
        policy.reset(seed)
        actions = []
        for _ in range(400):
            actions.append(codec.decode(policy.act(obs)))
            obs, _, terminated, _, _ = game.step(actions[-1])
            if terminated:
                return seed, actions
    raise AssertionError("no explorer episode of 60 reached the beacon")


def test_info_names_the_seed_that_repeats_an_unseeded_episode(make_dream):
    env = make_dream()
    env.reset(seed=3)
    second, info = env.reset()
    third, _ = env.reset()
    assert (env.reset(seed=info["seed"])[0] == second).all()
    assert (second != third).any()
    env.reset(seed=3)
    assert (env.reset()[0] == second).all()


def test_truncation_falls_on_the_horizon(make_dream):
    env = make_dream(horizon=3)
    _, info = env.reset(seed=0)
    assert info["horizon_left"] == 3
    action = actions_of(env.action_space, 1, 0)[0]
    steps = [env.step(action) for _ in range(3)]
    assert [truncated for _, _, _, truncated, _ in steps] == [False, False, True]
    assert [info["horizon_left"] for *_, info in steps] == [2, 1, 0]
    env.reset(seed=0)
    assert env.step(action)[3] is False


def test_no_horizon_never_truncates(make_dream):
    env = make_dream(horizon=None)
    _, info = env.reset(seed=0)
    assert "horizon_left" not in info
    action = env.codec.decode(env.codec.vector())
    assert not any(env.step(action)[3] for _ in range(1100))


def test_termination_by_threshold_and_by_sampling(make_dream, replayed_game):
    noisy = type(replayed_game)(noise=0.5)
    action = replayed_game.codec.decode(replayed_game.codec.vector())

    def ends(env, seeds=range(40), steps=4):
        found = []
        for seed in seeds:
            env.reset(seed=seed)
            for _ in range(steps):
                _, _, terminated, _, info = env.step(action)
                found.append((terminated, info["termination_prob"]))
        return found

    by_threshold = ends(make_dream(noisy, termination_threshold=0.4))
    assert all(terminated == (prob >= 0.4) for terminated, prob in by_threshold)
    sampling = make_dream(noisy, termination="sample")
    sampled = ends(sampling)
    # The probabilities are uniform on [0, .5]: a quarter of 160 steps ends, give or take four standard deviations.
    assert 18 <= sum(terminated for terminated, _ in sampled) <= 62
    assert sampled == ends(sampling)
    # Other draws than a threshold's: some likely step goes on and some less likely one ends.
    assert max(p for t, p in sampled if not t) > min(p for t, p in sampled if t)


def test_start_from_an_episode_table(make_dream, table):
    env = make_dream(start=table.path)
    episodes = [table.read_episode(i) for i in range(len(table))]
    every_frame = {frame.tobytes(): (e, t) for e, ep in enumerate(episodes) for t, frame in enumerate(ep.frames)}
    places = set()
    for seed in range(30):
        obs, _ = env.reset(seed=seed)
        e, t = every_frame[obs.tobytes()]
        places.add((e, t))
        assert (env.reset(seed=seed)[0] == obs).all()
        # The simulator is handed the episode's origin and the right prefix: it goes on as the recording did.
        frame = env.step(env.codec.decode(episodes[e].actions[t]))[0]
        assert (frame == episodes[e].frames[t + 1]).all()
    assert len({e for e, _ in places}) == 3
    assert min(t for _, t in places) >= 3  # four context frames, as the simulator likes
    assert len(places) > 10


def test_context_frames_says_how_much_is_shown(make_dream, table, replayed_game):
    shown = []

    class Watching(type(replayed_game)):
        def reset(self, contexts, prompts, seeds):
            shown.append((contexts[0].frames.shape[0], contexts[0].actions.shape, prompts[0]))
            return super().reset(contexts, prompts, seeds)

    width = len(replayed_game.codec)
    for kwargs in (
        {"prompt": "a meadow"},
        {"context_frames": 3},
        {"start": table.path},
        {"start": table.path, "context_frames": 1},
    ):
        make_dream(Watching(), **kwargs).reset(seed=1)
    assert shown == [(1, (0, width), "a meadow"), (3, (2, width), ""), (4, (3, width), ""), (1, (0, width), "")]


def test_start_from_frames_and_from_options(make_dream, table):
    clip = table.read_episode(0)
    env = make_dream(start=clip.frames[:3], start_actions=clip.actions[:2])
    assert (env.reset(seed=0)[0] == clip.frames[2]).all()
    assert (make_dream(start=clip.frames[4]).reset(seed=0)[0] == clip.frames[4]).all()
    assert (make_dream(start=Context(clip.frames[:2], clip.actions[:1])).reset()[0] == clip.frames[1]).all()
    env = make_dream()
    obs, _ = env.reset(seed=0, options={"frames": clip.frames[:6], "actions": clip.actions[:5], "prompt": "night"})
    assert (obs == clip.frames[5]).all()
    assert (env.reset(seed=0)[0] != clip.frames[5]).any()


def test_what_is_returned_is_the_callers_own(make_dream):
    env = make_dream(render_mode="rgb_array")
    obs, _ = env.reset(seed=0)
    obs[:] = 0
    assert env.render().any()
    env.render()[:] = 0
    assert env.render().any()
    assert make_dream().reset(seed=0)[0].any()


def test_order_of_calls(make_dream):
    env = make_dream()
    for call in (lambda: env.step(None), env.render, env.get_state):
        with pytest.raises(ResetNeeded, match="reset"):
            call()
    assert make_dream().render_mode is None
    env.reset(seed=0)
    assert env.render() is None
    env.close()
    env.close()


def action_with(**changes):
    def change(env):
        action = env.codec.decode(env.codec.vector())
        return action | changes

    return change


BAD_ACTIONS = [
    (action_with(camera=np.array([0.0, 270.0])), "'camera_yaw_right_deg' must be between -180 and 180; got 270"),
    (action_with(camera=np.array([np.nan, 0.0])), "'camera_pitch_down_deg' must be between -180 and 180; got nan"),
    (action_with(camera=[1.0]), r"'camera' is 2 numbers \(camera_pitch_down_deg, camera_yaw_right_deg\)"),
    (action_with(camera="left"), "'camera' is 2 numbers"),
    (action_with(attack=2), "'attack' must be a whole number between 0 and 1; got 2"),
    (action_with(jump=0.5), "'jump' must be a whole number between 0 and 1; got 0.5"),
    (action_with(forward=None), "'forward' must be a whole number"),
    (action_with(foward=1), "unknown action 'foward'. Did you mean 'forward'"),
    (lambda env: {"forward": 1}, "the action lacks attack, back"),
    (lambda env: 3, "an action is a dict of"),
]


@pytest.mark.parametrize(("make_action", "message"), BAD_ACTIONS)
def test_an_action_outside_the_space_is_named(make_dream, make_action, message):
    env = make_dream()
    env.reset(seed=0)
    with pytest.raises(WorldsimError, match=message):
        env.step(make_action(env))
    env.step(env.action_space.sample())  # and the dream is unharmed


def test_numbers_of_any_type_will_do(make_dream):
    env = make_dream()
    env.reset(seed=0)
    plain = {key: 0 for key in env.action_space} | {"camera": [0, 5], "forward": True}
    numpy = {key: np.int64(0) for key in env.action_space} | {"camera": np.array([0.0, 5.0]), "forward": np.ones(1)}
    state = env.get_state()
    first = env.step(plain)[0]
    env.set_state(state)
    assert (env.step(numpy)[0] == first).all()


FRAME = np.zeros((64, 64, 3), np.uint8)
BAD_SETTINGS = [
    ({"horizon": 0}, "horizon must be a whole number of at least 1, or None; got 0"),
    ({"horizon": 2.5}, "horizon must be a whole number"),
    ({"context_frames": 0}, "context_frames must be a whole number"),
    ({"termination": "treshold"}, "unknown termination 'treshold'. Did you mean 'threshold'"),
    ({"termination_threshold": 0.0}, r"termination_threshold must be in \(0, 1\]; got 0.0"),
    ({"prompt": None}, "prompt must be text; got None"),
    ({"render_mode": "ansi"}, "unknown render mode 'ansi'"),
    ({"horizn": 5}, "unknown dream setting 'horizn'. Did you mean 'horizon'"),
    ({"steps": 4}, "steps= is for checkpoint="),
    ({"device": "cuda"}, "device= is for checkpoint="),
    ({"checkpoint": "voxel-base"}, "either checkpoint="),
    ({"simulator": None}, "either checkpoint="),
    ({"simulator": "voxel-base"}, "must have reset, step, branch and describe"),
    ({"env_id": "voxel/arenna"}, "unknown environment 'voxel/arenna'. Did you mean 'voxel/arena'"),
    ({"env_id": "CartPole-v1"}, "frames of 64x64"),
    ({"start": "gane"}, "'gane' is neither \"game\" nor an episode table on disk. Did you mean 'game'"),
    ({"start": FRAME[:32]}, r"frames of 64x64 \(height x width\), these frames has 32x64: resize to height=64"),
    ({"start": FRAME.astype(np.float32)}, r"uint8 RGB frames of shape \(C, 64, 64, 3\); got float32"),
    ({"start": FRAME[..., 0]}, r"uint8 RGB frames of shape .*; got uint8 of shape \(64, 64\)"),
    ({"start": np.stack([FRAME] * 3)}, r"3 start frames need the 2 actions between them, .* \(2, 14\); got none"),
    ({"start": FRAME, "start_actions": np.zeros((1, 14))}, "1 start frames need the 0 actions"),
    (
        {"start": np.stack([FRAME] * 2), "start_actions": np.full((1, 14), 999.0)},
        "'attack' must be between 0 and 1; got 999",
    ),
    ({"start_actions": np.zeros((1, 14))}, "goes with no other start"),
    ({"memory": {"mosaic": 64}}, "memory= is for checkpoint="),
]


@pytest.mark.filterwarnings("ignore:.*render_mode.*")
@pytest.mark.parametrize(("settings", "message"), BAD_SETTINGS)
def test_bad_settings_say_what_is_wrong(replayed_game, settings, message):
    with pytest.raises(WorldsimError, match=message):
        gymnasium.make("worldsim/Dream-v0", **({"simulator": replayed_game} | settings))


def test_a_simulator_that_does_not_say_its_spaces(replayed_game):
    class Silent(type(replayed_game)):
        def describe(self):
            return {"kind": "control", "width": 64}

    with pytest.raises(WorldsimError, match="'replayed_game' does not describe its height, codec"):
        gymnasium.make("worldsim/Dream-v0", simulator=Silent())


def test_a_table_with_too_short_episodes_or_other_frames(make_dream, table, tmp_path):
    with pytest.raises(WorldsimError, match=r"no episode of .* has more than 40 frames \(the longest has 13\)"):
        make_dream(start=table.path, context_frames=40)
    small = str(tmp_path / "small.lance")
    kwargs = {"height": 32, "width": 32}
    collect(ARENA, "envs.policies.random:RandomPolicy", 1, small, max_steps=3, workers=1, env_kwargs=kwargs)
    with pytest.raises(WorldsimError, match=r"frames of 64x64 .*small\.lance has 32x32"):
        make_dream(start=small)


def test_unknown_checkpoint_is_suggested():
    with pytest.raises(UnknownNameError, match="unknown checkpoint 'voxel-bas'"):
        gymnasium.make("worldsim/Dream-v0", checkpoint="voxel-bas")


BAD_OPTIONS = [
    ({"frame": FRAME}, "unknown reset option 'frame'. Did you mean 'frames'"),
    ({"actions": np.zeros((0, 14))}, "lies between 'frames'"),
    ({"frames": FRAME[:8]}, "frames of 64x64"),
]


@pytest.mark.parametrize(("options", "message"), BAD_OPTIONS)
def test_bad_reset_options(make_dream, options, message):
    with pytest.raises(WorldsimError, match=message):
        make_dream().reset(options=options)
