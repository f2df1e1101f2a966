"""Minecraft by way of MineRL, versions 1.0 and 0.4.4, whose old gym interface is turned into ours.

Both are driven by what they say of themselves (their action space), so that one class serves the two. Its spaces and
its ways are those of MineRL's documentation and source; the engine itself was not run in the making of this.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from envs.adapters.pictures import fit, is_picture
from worldsim.core.action_check import require_action
from worldsim.core.errors import UnknownNameError, WorldsimError
from worldsim.core.types import Frames

STEPS_PER_SECOND = 20
MINUTE = 60 * STEPS_PER_SECOND


@dataclass(frozen=True)
class Task:
    """A task of MineRL's: its id there, its time limit in steps, the version that has it, and what it asks for."""

    minerl_id: str
    max_steps: int
    version: str
    words: str


TASKS = {
    "FindCave": Task("MineRLBasaltFindCave-v0", 3 * MINUTE, "1.0", "find a cave"),
    "MakeWaterfall": Task("MineRLBasaltMakeWaterfall-v0", 5 * MINUTE, "1.0", "make a waterfall"),
    "CreateVillageAnimalPen": Task(
        "MineRLBasaltCreateVillageAnimalPen-v0", 5 * MINUTE, "1.0", "pen in animals beside a village"
    ),
    "BuildVillageHouse": Task(
        "MineRLBasaltBuildVillageHouse-v0", 12 * MINUTE, "1.0", "build a house in the style of a village"
    ),
    "ObtainDiamondShovel": Task(
        "MineRLObtainDiamondShovel-v0", 18000, "1.0", "make a diamond shovel, starting with nothing"
    ),
    "Treechop": Task("MineRLTreechop-v0", 8000, "0.4.4", "chop 64 logs"),
    "Navigate": Task("MineRLNavigate-v0", 6000, "0.4.4", "find the diamond block that the compass points to"),
    "NavigateDense": Task(
        "MineRLNavigateDense-v0", 6000, "0.4.4", "find the diamond block, with a reward for coming nearer"
    ),
    "NavigateExtreme": Task("MineRLNavigateExtreme-v0", 6000, "0.4.4", "find the diamond block in extreme hills"),
    "ObtainIronPickaxe": Task(
        "MineRLObtainIronPickaxe-v0", 6000, "0.4.4", "make an iron pickaxe, starting with nothing"
    ),
    "ObtainDiamond": Task("MineRLObtainDiamond-v0", 18000, "0.4.4", "mine a diamond, starting with nothing"),
}


class MinecraftEnv(gymnasium.Env):
    """A MineRL task: first person, 20 steps a second, a vertical field of view of 70 degrees.

    Observation: ``pov``, resized by area; the rest of MineRL's observation is in ``info``. A square frame of the 16:9
    picture of 1.0 is squeezed, as OpenAI's VPT does it.
    Action: MineRL's own entries. Keys are Discrete(2); ``camera`` is the change of (pitch, yaw) in degrees; what MineRL
    picks by word (``place``, ``craft``, ...) is a Discrete over ``self.words[key]``, whose first word does nothing.
    ``ESC`` ends the episode: ``terminated``. MineRL calls a time-out "done"; the steps are counted to tell it apart.
    A seed gives the same world; the engine runs in real time inside, so episodes are not equal to the bit and the game
    offers no branching. Raises WorldsimError when Minecraft does not start, or is lost.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": STEPS_PER_SECOND}  # noqa: RUF012 (gymnasium's own declaration)

    def __init__(self, task: str, height: int = 64, width: int = 64, render_mode: str | None = None):
        if task not in TASKS:
            raise UnknownNameError("MineRL task", task, TASKS)
        if not (8 <= height <= 1080 and 8 <= width <= 1920):
            raise WorldsimError(
                f"height={height}, width={width}: a Minecraft frame is 8 to 1080 high and 8 to 1920 wide"
            )
        if render_mode not in (None, "rgb_array"):
            raise WorldsimError(f"render_mode={render_mode!r}: use 'rgb_array' or None")
        self.task, self.height, self.width, self.render_mode = TASKS[task], height, width, render_mode
        self.task_text = self.task.words
        self.game = _make(task, self.task)
        # Of every entry that MineRL picks by word: its words, the one that does nothing first.
        self.words: dict[str, list[str]] = {}
        self._entries = {key: self._entry(key, part) for key, part in self.game.action_space.spaces.items()}
        self.action_space = spaces.Dict(self._entries)
        self.observation_space = spaces.Box(0, 255, (height, width, 3), np.uint8)
        self._steps, self._over = 0, True
        self._frame: Frames | None = None

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Frames, dict[str, Any]]:
        """Start the world of ``seed``, or a drawn one; the first time this starts Minecraft, which takes minutes."""
        super().reset(seed=seed)
        # MineRL forgets the seed at every reset, and takes Python integers only.
        self.game.seed(int(self.np_random.integers(2**31)) if seed is None else int(seed))
        try:
            obs = self.game.reset()
        except Exception as error:
            raise WorldsimError(
                f"Minecraft did not start ({type(error).__name__}: {error}). MineRL needs a Java JDK 8 "
                "(java -version says 1.8) and a display; without one, run the command under xvfb-run -a."
            ) from error
        self._steps, self._over = 0, False
        return self._see(obs), self._info(obs, {"task": self.task_text})

    def step(self, action: dict[str, Any]) -> tuple[Frames, float, bool, bool, dict[str, Any]]:
        if self._over:
            raise gymnasium.error.ResetNeeded("the episode is over, or none has begun: call reset() before step()")
        require_action(self.action_space, action)
        obs, reward, done, info = self.game.step({key: self._native(key, value) for key, value in action.items()})
        if "error" in info:  # the picture that comes with it is noise
            self._over = True
            raise WorldsimError(
                f"Minecraft was lost after {self._steps} steps ({info['error']}); reset, or start again."
            )
        self._steps += 1
        escaped = bool(action.get("ESC", 0))
        out_of_time = self._steps >= self.task.max_steps or bool(info.get("TimeLimit.truncated", False))
        terminated = escaped or (bool(done) and not out_of_time)
        truncated = out_of_time and not terminated
        self._over = terminated or truncated
        return self._see(obs), float(reward), terminated, truncated, self._info(obs, info)

    def render(self) -> Frames | None:
        return self._frame.copy() if self.render_mode == "rgb_array" and self._frame is not None else None

    def close(self) -> None:
        self.game.close()

    def _entry(self, key: str, part: Any) -> spaces.Space:
        """Our space for an entry of MineRL's, told by what it has: words, a number of choices, or bounds."""
        if hasattr(part, "values"):
            nothing = str(part.no_op())
            self.words[key] = [nothing, *(str(word) for word in part.values if str(word) != nothing)]
            return spaces.Discrete(len(self.words[key]))
        if hasattr(part, "n"):
            return spaces.Discrete(int(part.n))
        return spaces.Box(part.low, part.high, part.shape, np.float32)

    def _native(self, key: str, value: Any) -> Any:
        if key in self.words:
            return self.words[key][int(value)]
        if isinstance(self._entries[key], spaces.Discrete):
            return int(value)
        numbers: NDArray[np.float32] = np.asarray(value, np.float32)
        return numbers

    def _see(self, obs: dict[str, Any]) -> Frames:
        picture = np.asarray(obs["pov"])
        assert is_picture(picture), f"MineRL's pov is {picture.dtype} of shape {picture.shape}"
        self._frame = fit(picture, self.height, self.width)
        return self._frame.copy()

    def _info(self, obs: dict[str, Any], info: dict[str, Any]) -> dict[str, Any]:
        return {**{key: value for key, value in obs.items() if key != "pov"}, **info}


def _make(name: str, task: Task) -> Any:
    """MineRL's own environment; WorldsimError where the installed MineRL is the other version."""
    import gym
    import minerl  # noqa: F401  registers its games with gym

    try:
        return gym.make(task.minerl_id)
    except gym.error.Error as error:
        raise WorldsimError(
            f"minecraft/{name} is {task.minerl_id}, which the installed MineRL does not have ({error}); "
            f"it is in MineRL {task.version}."
        ) from error
