from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("mujoco")

from envs.physics.env import PhysicsEnv
from worldsim.core.types import ObjectState


class Scene:
    """A physics game with pushes by number, and its objects by name."""

    def __init__(self, name: str, seed: int = 0, height: int = 32, width: int = 32, **kwargs: Any):
        self.env = PhysicsEnv(name, height, width, **kwargs)
        self.frame, self.info = self.env.reset(seed=seed)

    @property
    def values(self) -> dict[str, float]:
        return self.env.scene.parameters

    def push(self, x: float = 0.0, y: float = 0.0, strength: float = 0.0) -> Any:
        action = {"push_x": [x], "push_y": [y], "push_strength": [strength]}
        self.frame, *_, self.info = self.env.step(action)
        return self.info

    def wait(self, steps: int) -> None:
        for _ in range(steps):
            self.push()

    def wander(self, steps: int, seed: int) -> None:
        """Random pushes, half of them none."""
        rng = np.random.default_rng(seed)
        for _ in range(steps):
            self.push(*rng.uniform(-1, 1, 2), max(rng.uniform(-1, 1), 0))

    @property
    def marked(self) -> ObjectState:
        return self.object(self.env.scene.marked)

    def object(self, number: int) -> ObjectState:
        (found,) = [item for item in self.env.ground_truth().objects or () if item.id == number]
        return found

    def objects(self, noun: str) -> list[ObjectState]:
        return [item for item in self.env.ground_truth().objects or () if item.cls.endswith(f"_{noun}")]

    def mass(self, number: int) -> float:
        return float(self.env.scene.model.body_mass[self.env.scene.things[number].body])

    def momentum(self) -> np.ndarray:
        """Of all free things that are there, (3,)."""
        things = self.env.scene.things
        return sum(
            (
                self.mass(item.id) * np.array(item.velocity_m_s)
                for item in self.env.ground_truth().objects or ()
                if item.alive and things[item.id].free
            ),
            np.zeros(3),
        )


@pytest.fixture(scope="session")
def scene() -> type[Scene]:
    return Scene
