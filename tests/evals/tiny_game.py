"""A game small enough for tests of the harness, and simulators that misbehave in it on purpose."""

import time

import gymnasium
import numpy as np
from gymnasium import spaces

from worldsim.core.types import Prediction

ENV_ID = "tests/Band-v0"
SIZE = 16


class BandGame(gymnasium.Env):
    """A window that slides along a band of random colours; ``look`` recolours it. Places divisible by 7 pay 1."""

    metadata = {"render_modes": [], "render_fps": 10}  # noqa: RUF012

    def __init__(self, look=0, render_mode=None):
        self.look, self.render_mode = look, render_mode
        self.observation_space = spaces.Box(0, 255, (SIZE, SIZE, 3), np.uint8)
        keys = {name: spaces.Discrete(2) for name in ("forward", "back")}
        self.action_space = spaces.Dict({**keys, "camera_yaw_right_deg": spaces.Box(-10, 10, (1,), np.float32)})
        self.band, self.place = np.zeros((SIZE, 4096, 3), np.uint8), 0

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        rough = self.np_random.integers(0, 256, (4, 1024, 3))
        self.band = rough.repeat(4, axis=0).repeat(4, axis=1).astype(np.uint8)
        self.place = 2000
        return self._frame(), {}

    def step(self, action):
        turn = float(np.asarray(action["camera_yaw_right_deg"]).reshape(()))
        self.place += 2 * (action["forward"] - action["back"]) + round(turn / 2)
        return self._frame(), float(self.place % 7 == 0), False, False, {}

    def get_state(self):
        return {"band": self.band.copy(), "place": self.place}

    def set_state(self, state):
        self.band, self.place = state["band"].copy(), state["place"]
        return self._frame()

    def _frame(self):
        return self.band[:, self.place : self.place + SIZE] + np.uint8(self.look)


class Noisy:
    """Dreams the last frame with noise from the slot's seed; ignores its actions. ``sleep_s`` a step."""

    name = "noisy"

    def __init__(self, sleep_s=0.0, version=1):
        self.sleep_s, self.version = sleep_s, version
        self.calls = 0

    def describe(self):
        return {"kind": "test", "version": self.version, "context_frames": 4}

    def reset(self, contexts, prompts, seeds):
        self.calls += 1
        assert all(len(context.frames) == 4 and len(context.actions) == 3 for context in contexts)
        return [(context.frames[-1], seed, 0) for context, seed in zip(contexts, seeds, strict=True)]

    def step(self, state, actions):
        time.sleep(self.sleep_s)
        frames = [np.random.default_rng([seed, t]).integers(0, 40, frame.shape) + frame for frame, seed, t in state]
        zeros = np.zeros(len(state), np.float32)
        state = [(frame, seed, t + 1) for frame, seed, t in state]
        return state, Prediction(np.stack(frames).clip(0, 255).astype(np.uint8), zeros, zeros)

    def branch(self, state, slots):
        return [state[slot] for slot in slots]


class Faulty(Noisy):
    """Goes wrong in slots whose context starts with one of ``bad`` frames, in the way named ``fault``."""

    name = "faulty"

    def __init__(self, bad, fault):
        super().__init__()
        self.bad, self.fault = bad, fault

    def step(self, state, actions):
        state, prediction = super().step(state, actions)
        hit = [any(np.array_equal(frame, bad) for bad in self.bad) for frame, _, _ in state]
        frames, reward, end = prediction.frames, prediction.reward.copy(), prediction.termination_prob.copy()
        if any(hit) and self.fault == "raise" and state[0][2] == 3:
            raise RuntimeError("out of dreams")
        if any(hit) and self.fault == "shape":
            frames = frames[:, :8]
        if any(hit) and self.fault == "float":
            frames = frames.astype(np.float32) * np.nan
        if self.fault == "nan":
            reward[hit] = np.nan
        if self.fault == "probability":
            end[hit] = 1.5
        return state, Prediction(frames, reward, end)


def register():
    if ENV_ID not in gymnasium.registry:
        gymnasium.register(ENV_ID, entry_point=BandGame)
