"""What the stand-ins for both versions of MineRL share: its spaces, and its old gym interface with all its habits.

Seeds are Python integers, given before every reset and forgotten by it; reset returns the observation alone; a time-out
only sets ``done``; entries picked by word take words, not numbers; a lost engine is an "error" in ``info`` and noise in
the picture; stepping on after the end is a RuntimeError.
"""

import numpy as np


class Discrete:
    shape, dtype = (), np.dtype(np.int64)

    def __init__(self, n):
        self.n = n

    def no_op(self):
        return 0

    def __contains__(self, x):
        return type(x) is int and 0 <= x < self.n


class Enum(Discrete):
    def __init__(self, *values, default=None):
        super().__init__(len(values))
        self.default = default if default is not None else values[0]
        self.values = np.array(sorted(values))

    def no_op(self):
        return self.default

    def __contains__(self, x):
        return type(x) is str and x in self.values


class Box:
    def __init__(self, low, high, shape, dtype=np.float32):
        self.shape, self.dtype = tuple(shape), np.dtype(dtype)
        self.low, self.high = np.full(shape, low, dtype), np.full(shape, high, dtype)

    def no_op(self):
        return np.zeros(self.shape, self.dtype)

    def __contains__(self, x):
        return isinstance(x, np.ndarray) and x.shape == self.shape and (x >= self.low).all() and (x <= self.high).all()


class Dict:
    def __init__(self, spaces):
        self.spaces = spaces

    def no_op(self):
        return {key: space.no_op() for key, space in self.spaces.items()}

    def __contains__(self, x):
        return set(x) == set(self.spaces) and all(x[key] in space for key, space in self.spaces.items())


class Env:
    """A coloured gradient that turns with the camera and brightens with steps forward; the seed is its colour."""

    metadata = {"render.modes": ["human"]}  # noqa: RUF012
    size = (64, 64)
    lost_at = None  # the step at which the connection breaks

    def __init__(self, max_episode_steps):
        self.max_episode_steps, self._seed, self.done = max_episode_steps, None, True
        self.action_space = self.make_action_space()
        self.observation_space = Dict({"pov": Box(0, 255, (*self.size, 3), np.uint8)})
        self.actions, self.seeds = [], []

    def seed(self, seed=None, seed_spaces=True):
        assert type(seed) is int or seed is None, "Seed must be an int!"
        self._seed = seed

    def reset(self):
        self.seeds.append(self._seed)
        self.world, self._seed = self._seed, None  # "We don't force the same seed every episode"
        self.pitch = self.yaw = 0.0
        self.steps = self.forward = 0
        self.done = False
        return self.observe()

    def step(self, action):
        if self.done:
            raise RuntimeError("Attempted to step an environment server with done=True")
        assert action in self.action_space, action
        self.steps += 1
        if self.steps == self.lost_at:
            self.done = True
            noise = np.random.default_rng().integers(0, 256, (*self.size, 3), np.uint8)
            return {"pov": noise}, 0, True, {"error": "Connection timed out!"}
        self.actions.append(action)
        self.pitch += float(action["camera"][0])
        self.yaw += float(action["camera"][1])
        self.forward += action["forward"]
        reward, self.done = self.play(action)
        self.done = self.done or self.steps >= self.max_episode_steps
        return self.observe(), reward, self.done, {}

    def observe(self):
        height, width = self.size
        colour = np.random.default_rng(self.world).integers(0, 150, 3).astype(np.uint8)
        across = 20 * np.sin((np.arange(width) + self.yaw) / 9)
        down = 20 * np.sin((np.arange(height) + self.pitch) / 7)
        wave = (50 + across + down[:, None] + self.forward % 10).astype(np.uint8)
        return {"pov": wave[..., None] + colour}

    def close(self):
        pass
