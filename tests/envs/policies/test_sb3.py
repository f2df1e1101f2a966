"""Agents saved by Stable-Baselines3 act here as they do there, and no code in their files is run."""

from __future__ import annotations

import base64
import importlib
import json
import zipfile

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium import spaces

from envs.policies import POLICIES
from envs.policies.flat_actions import FlatActions
from worldsim.core.actions import ActionCodec
from worldsim.core.errors import DamagedFileError, WorldsimError

sb3 = pytest.importorskip("stable_baselines3")


class Noise(gymnasium.Env):
    """Frames of noise, the same for everyone; only its spaces matter."""

    observation_space = spaces.Box(0, 255, (40, 36, 3), np.uint8)

    def __init__(self, action_space):
        self.action_space = action_space

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.steps = 0
        return self.frame(), {}

    def step(self, action):
        self.steps += 1
        return self.frame(), float(self.steps % 3), False, self.steps == 12, {}

    def frame(self):
        return self.np_random.integers(0, 256, (40, 36, 3), np.uint8)


KEYS = spaces.Dict({"forward": spaces.Discrete(2), "camera": spaces.Box(-180.0, 180.0, (2,), np.float32)})
SMALL = {"net_arch": [8], "activation_fn": torch.nn.ELU}
AGENTS = {
    "ppo cnn": (lambda env: sb3.PPO("CnnPolicy", env, n_steps=8, batch_size=8, n_epochs=1, seed=1), spaces.Discrete(4)),
    "a2c mlp": (
        lambda env: sb3.A2C("MlpPolicy", env, 1e-4, policy_kwargs=SMALL, seed=1),
        spaces.Box(-1.0, 1.0, (3,), np.float32),
    ),
    "a2c many": (
        lambda env: sb3.A2C("MlpPolicy", env, 1e-4, policy_kwargs=SMALL, seed=1),
        spaces.MultiDiscrete([3, 2]),
    ),
    "dqn mlp": (
        lambda env: sb3.DQN("MlpPolicy", env, buffer_size=50, learning_starts=4, policy_kwargs=SMALL, seed=1),
        spaces.Discrete(3),
    ),
    "ppo keys": (
        lambda env: sb3.PPO(
            "MlpPolicy", FlatActions(env), n_steps=8, batch_size=8, n_epochs=1, policy_kwargs=SMALL, seed=1
        ),
        KEYS,
    ),
}


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Each agent trained a few steps, with its file and its game."""
    folder = tmp_path_factory.mktemp("sb3")
    made = {}
    for name, (make, space) in AGENTS.items():
        env = Noise(space)
        agent = make(env).learn(16)
        agent.save(folder / f"{name}.zip")
        made[name] = (agent, str(folder / f"{name}.zip"), env)
    return made


def codec_takes(space):
    try:
        ActionCodec.from_space(space)
    except WorldsimError:
        return False
    return True


@pytest.mark.parametrize("name", AGENTS)
def test_it_acts_as_its_own_library_says(saved, name):
    agent, file, env = saved[name]
    if not codec_takes(env.action_space):
        pytest.skip(f"no codec for {env.action_space}")
    policy = POLICIES.load(f"sb3:{file}")(env)
    policy.reset(3)
    env.reset(seed=5)
    seen = set()
    for _ in range(12):
        frame = env.frame()
        theirs, _ = agent.predict(frame, deterministic=True)
        ours = policy.codec.decode(policy.act(frame))
        if name == "ppo keys":
            theirs = FlatActions(env).action(theirs)
            np.testing.assert_array_equal(ours["camera"], theirs["camera"])
            assert ours["forward"] == theirs["forward"]
            assert np.abs(ours["camera"]).max() <= 20
        else:
            np.testing.assert_array_equal(ours, theirs)
        assert env.action_space.contains(ours)
        seen.add(str(ours))
    if "Box" in str(env.action_space):
        assert len(seen) == 12, "the frame makes no difference"


def test_flat_actions_reach_every_key_and_turn():
    env = FlatActions(Noise(KEYS))
    assert env.action_space == spaces.Box(-1.0, 1.0, (3,), np.float32)
    names = env.codec.names
    for flat, forward, turn in ((1.0, 1, 20.0), (-1.0, 0, -20.0), (0.5, 1, 10.0), (7.0, 1, 20.0)):
        action = env.action(np.full(3, flat, np.float32))
        assert action["forward"] == forward
        np.testing.assert_allclose(action["camera"], [turn, turn])
    assert set(names) == {"forward", "camera_pitch_down_deg", "camera_yaw_right_deg"}


def edited(source, target, change):
    """A copy of a saved model with its description changed."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for item in old.namelist():
            content = old.read(item)
            if item == "data":
                data = json.loads(content)
                change(data)
                content = json.dumps(data).encode()
            new.writestr(item, content)
    return str(target)


def test_code_in_the_file_is_not_run(saved, tmp_path):
    """Every pickle in the file is replaced by one that would leave a trace."""
    trace = tmp_path / "trace"
    evil = f"cbuiltins\nopen\n(S'{trace}'\nS'w'\ntR.".encode()  # a pickle that opens a file for writing
    importlib.import_module("pickle").loads(evil).close()
    assert trace.exists(), "the poison does nothing"
    trace.unlink()
    poison = base64.b64encode(evil).decode()

    def change(data):
        for part in data.values():
            if isinstance(part, dict) and ":serialized:" in part:
                part[":serialized:"] = poison

    _, file, env = saved["dqn mlp"]
    poisoned = edited(file, tmp_path / "poisoned.zip", change)
    policy, clean = (POLICIES.load(f"sb3:{one}")(env) for one in (poisoned, file))
    frame = np.full((40, 36, 3), 99, np.uint8)
    assert (policy.act(frame) == clean.act(frame)).all()
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(tmp_path / "weights.zip", "w") as new:
        for item in old.namelist():
            new.writestr(item, evil if item == "policy.pth" else old.read(item))
    with pytest.raises(DamagedFileError, match="cannot be read as a model saved by Stable-Baselines3"):
        POLICIES.load(f"sb3:{tmp_path / 'weights.zip'}")(env)
    assert not trace.exists()


def set_key(*path, value):
    def change(data):
        for key in path[:-1]:
            data = data[key]
        data[path[-1]] = value

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            set_key("policy_class", "__init__", value="<function SACPolicy.__init__ at 0x1>"),
            "SACPolicy; agents of PPO, A2C and DQN",
        ),
        (set_key("policy_class", "__module__", value="my_project.policies"), "holds a my_project.policies.DQNPolicy"),
        (set_key("policy_kwargs", "features_extractor_class", value="<class 'mine.Net'>"), "without running its code"),
        (set_key("policy_kwargs", "my_setting", value=3), "the policy setting my_setting=3"),
        (set_key("policy_kwargs", "net_arch", value=[9]), "does not fit its weights"),
        (set_key("observation_space", "_shape", value=[4, 84, 84]), "trained on observations uint8 (4, 84, 84)"),
        (set_key("action_space", "n", value="5"), "trained on the actions Discrete () {'n': '5', 'start': '0'}"),
        (set_key("policy_class", value="DQNPolicy"), "does not describe its spaces and policy"),
    ],
)
def test_other_agents_are_refused(saved, tmp_path, change, message):
    _, file, env = saved["dqn mlp"]
    other = edited(file, tmp_path / "other.zip", change)
    with pytest.raises(WorldsimError) as raised:
        POLICIES.load(f"sb3:{other}")(env)
    assert message in str(raised.value)


def test_files_that_are_no_models(tmp_path):
    env = Noise(spaces.Discrete(3))
    with pytest.raises(WorldsimError, match="there is no file"):
        POLICIES.load(f"sb3:{tmp_path / 'none.zip'}")(env)
    (tmp_path / "text.zip").write_text("not a zip")
    with pytest.raises(DamagedFileError, match="BadZipFile"):
        POLICIES.load(f"sb3:{tmp_path / 'text.zip'}")(env)
