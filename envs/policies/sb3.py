"""Agents saved by Stable-Baselines3, as policies; nothing in their files is unpickled.

A saved model is a zip whose ``data`` (JSON) describes the agent beside pickles of the same, and whose ``policy.pth``
has the weights. The agent is built anew from the description by Stable-Baselines3 itself, and given the weights by a
loader that takes tensors only, so a file from somewhere else can do no harm.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envs.policies.flat_actions import unflatten
from worldsim.core.actions import ActionCodec
from worldsim.core.errors import DamagedFileError, MissingDependencyError, WorldsimError
from worldsim.core.types import Frames

# The (module, class) of the agents that can be built.
POLICY_CLASSES = {
    ("stable_baselines3.common.policies", "ActorCriticPolicy"),
    ("stable_baselines3.common.policies", "ActorCriticCnnPolicy"),
    ("stable_baselines3.dqn.policies", "DQNPolicy"),
    ("stable_baselines3.dqn.policies", "CnnPolicy"),
}
# Settings that shape the network, and those that only matter in training.
SHAPING = ("net_arch", "activation_fn", "features_extractor_class", "features_extractor_kwargs", "normalize_images")
SHAPING_ACTOR_CRITIC = (*SHAPING, "share_features_extractor", "full_std", "use_expln", "squash_output")
TRAINING_ONLY = ("optimizer_class", "optimizer_kwargs", "ortho_init", "log_std_init")
# Classes that may be named in the settings.
NAMED_CLASS = re.compile(r"<class '(torch\.nn\.modules\.activation|stable_baselines3\.common\.torch_layers)\.(\w+)'>")


class Sb3Policy:
    """A PPO, A2C or DQN agent with an MlpPolicy or CnnPolicy; acts greedily, so seeds change nothing.

    The agent must have been trained on frames of the game's size, and on the game's action space or, where that is a
    Dict, through :class:`~envs.policies.flat_actions.FlatActions`. Raises WorldsimError where it was not, for other
    agents and for a file that cannot be read.
    """

    def __init__(self, env: Any, file: str):
        self.codec = ActionCodec.from_space(env.action_space)
        data, weights = _read(Path(file))
        height, width, channels = env.observation_space.shape
        shape = tuple(data["observation_space"].get("_shape", ()))
        if data["observation_space"].get("dtype") != "uint8" or shape not in (
            (height, width, channels),
            (channels, height, width),
        ):
            raise WorldsimError(
                f"{file} was trained on observations {data['observation_space'].get('dtype')} {shape}; this game "
                f"shows uint8 {(height, width, channels)}. Train on its frames as they are, unstacked, at its size."
            )
        action_space, self._flat = _action_space(file, data["action_space"], env.action_space, len(self.codec))
        self.agent = _build(file, data, weights, shape, action_space)

    def reset(self, seed: int) -> None:
        """Nothing to do: the agent has no memory and draws nothing."""

    def act(self, obs: Frames) -> NDArray[np.float32]:
        action, _ = self.agent.predict(np.array(obs), deterministic=True)
        return unflatten(self.codec, action) if self._flat else self.codec.encode(action)


def _read(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """The description and the weights in a saved model."""
    if not path.is_file():
        raise WorldsimError(f"there is no file {path}; give a model saved by Stable-Baselines3, sb3:path/to/model.zip.")
    import torch

    try:
        with zipfile.ZipFile(path) as archive:
            data = json.loads(archive.read("data"))
            weights = torch.load(io.BytesIO(archive.read("policy.pth")), map_location="cpu", weights_only=True)
            parts = [data["observation_space"], data["action_space"], data["policy_class"]]
    except Exception as error:
        raise DamagedFileError(
            f"{path} cannot be read as a model saved by Stable-Baselines3: {type(error).__name__}: {str(error)[:200]}"
        ) from error
    if not all(isinstance(part, dict) for part in parts):
        raise DamagedFileError(f"{path} does not describe its spaces and policy as Stable-Baselines3 does.")
    return data, weights


def _action_space(file: str, saved: dict[str, Any], game_space: Any, channels: int) -> tuple[Any, bool]:
    """The agent's action space, and whether it is that of FlatActions; WorldsimError where it is neither."""
    from gymnasium import spaces

    kind = re.sub(r".*\.(\w+)'>", r"\1", str(saved.get(":type:")))
    shape = tuple(saved.get("_shape", ()))
    if kind == "Box" and isinstance(game_space, spaces.Dict) and shape == (channels,):
        return spaces.Box(-1.0, 1.0, shape, np.float32), True
    if kind == type(game_space).__name__ and shape == game_space.shape:
        same: dict[str, Any] = {"n": "n", "nvec": "nvec", "start": "start", "low": "low", "high": "high"}
        here = {key: str(getattr(game_space, name)) for key, name in same.items() if hasattr(game_space, name)}
        if all(_plain(str(saved.get(key, here[key]))) == _plain(here[key]) for key in here):
            return game_space, False
    known = {key: value for key, value in saved.items() if key in ("n", "nvec", "start", "low", "high")}
    raise WorldsimError(
        f"{file} was trained on the actions {kind} {shape} {known}; this game takes {game_space}. Train it on this "
        "game, through envs.policies.flat_actions.FlatActions where its actions are a Dict."
    )


def _plain(text: str) -> str:
    return " ".join(text.split())


def _build(file: str, data: dict[str, Any], weights: dict[str, Any], shape: tuple[int, ...], action_space: Any) -> Any:
    """The agent's network with its weights, built by Stable-Baselines3."""
    try:
        import stable_baselines3.common.policies
        import stable_baselines3.dqn.policies
    except ImportError as error:
        raise MissingDependencyError("stable-baselines3", "agents", f"the policy sb3:{file}") from error
    from gymnasium import spaces

    module = str(data["policy_class"].get("__module__"))
    named = re.match(r"<function (\w+)\.__init__ ", str(data["policy_class"].get("__init__")))
    name = named[1] if named else "an unknown class"
    if (module, name) not in POLICY_CLASSES:
        raise WorldsimError(
            f"{file} holds a {module}.{name}; agents of PPO, A2C and DQN with an MlpPolicy or CnnPolicy can be loaded."
        )
    actor_critic = "dqn" not in module
    settings = _settings(file, data.get("policy_kwargs") or {}, SHAPING_ACTOR_CRITIC if actor_critic else SHAPING)
    if actor_critic:
        settings["use_sde"] = bool(data.get("use_sde"))
    home = stable_baselines3.common.policies if actor_critic else stable_baselines3.dqn.policies
    try:
        agent = getattr(home, name)(spaces.Box(0, 255, shape, np.uint8), action_space, lambda _: 0.0, **settings)
        agent.load_state_dict(weights)
    except (RuntimeError, TypeError, AssertionError) as error:
        raise WorldsimError(f"the network described in {file} does not fit its weights: {str(error)[:300]}") from error
    agent.set_training_mode(False)
    return agent


def _settings(file: str, saved: dict[str, Any], shaping: tuple[str, ...]) -> dict[str, Any]:
    """The settings that shape the network, in which classes are written as text."""
    found: dict[str, Any] = {}
    for key, value in saved.items():
        if key in (":type:", ":serialized:", *TRAINING_ONLY):
            continue
        if key not in shaping:
            raise WorldsimError(f"{file} was made with the policy setting {key}={value!r}, which cannot be rebuilt.")
        found[key] = _class_named(file, value) if key.endswith(("_fn", "_class")) else value
    return found


def _class_named(file: str, text: Any) -> Any:
    match = NAMED_CLASS.fullmatch(str(text))
    if not match:
        raise WorldsimError(
            f"{file} uses {text}, which cannot be rebuilt without running its code; use a class of torch.nn or of "
            "stable_baselines3.common.torch_layers."
        )
    import stable_baselines3.common.torch_layers
    import torch

    home = torch.nn if match[1].startswith("torch.") else stable_baselines3.common.torch_layers
    return getattr(home, match[2])
