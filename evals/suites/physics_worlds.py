"""What the physics suite learns of a scene from the game: its bodies, its empty stage, where things really are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from envs.physics import is_physics
from evals.games import RealGame
from evals.scenarios import RealBranch
from worldsim.core.types import Edit, GroundTruth

if TYPE_CHECKING:  # it needs MuJoCo, and who evaluates other games need not have that
    from envs.physics.env import PhysicsEnv


@dataclass(frozen=True)
class Bodies:
    """The C bodies of a scene: the things of one colour that can move, for a frame does not tell them apart further."""

    things: tuple[tuple[int, ...], ...]  # ids of each body's things, the marked body first
    masses_kg: NDArray[np.float64]  # (C,)

    @property
    def many(self) -> NDArray[np.bool_]:
        """(C,) which are more than one thing, or may become so."""
        return np.array([len(things) > 1 for things in self.things])

    def labels(self, truth: tuple[GroundTruth, ...]) -> NDArray[np.uint8]:
        """Which body each pixel is of (T, H, W), counted from 1; 0 is everything else."""
        table = np.zeros(1 + max(max(things) for things in self.things), np.uint8)
        for number, things in enumerate(self.things, start=1):
            table[list(things)] = number
        ids = np.stack([one.instance_ids for one in truth if one.instance_ids is not None])
        return table[np.where(ids < len(table), ids, 0)]


def bodies_of(game: RealGame, seed: int) -> Bodies:
    """The bodies of the scene of ``seed``."""
    env = at_start(game, seed)
    model = env.scene.model
    colours: dict[int, list[int]] = {}
    for thing in env.scene.things[1:]:
        if model.body_dofnum[thing.body]:
            colours.setdefault(thing.colour, []).append(thing.id)
    things = sorted(colours.values(), key=lambda ids: (env.scene.marked not in ids, ids))
    # Shards weigh what the whole does, so what waits is not counted.
    masses = [
        sum(model.body_mass[env.scene.things[i].body] for i in ids if env.scene.things[i].present) for ids in things
    ]
    return Bodies(tuple(tuple(ids) for ids in things), np.array(masses, np.float64))


def at_start(game: RealGame, seed: int) -> PhysicsEnv:
    """The unwrapped game, just reset with ``seed``."""
    game.bring(seed, np.zeros((0, len(game.codec)), np.float32))
    assert is_physics(game.env), f"{game.env_id} is no physics scene"
    return game.env


def empty_stage(game: RealGame, seed: int, actions: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The scene without anything that can move (T, H, W, 3) after each action; (1, H, W, 3) where nothing changes."""
    env = at_start(game, seed)
    movable = [t.id for t in env.scene.things[1:] if env.scene.model.body_dofnum[t.body] and t.present]
    edits = tuple(Edit(0, "remove", {"object_id": one}) for one in movable)
    frames = game.branch(seed, actions[:0], actions, edits).frames
    return frames[:1] if (frames == frames[0]).all() else frames


def another_take(
    game: RealGame, seed: int, actions: NDArray[np.float32], strength: float, rng: np.random.Generator
) -> RealBranch:
    """The same scene after a slight push at the very beginning, as nobody sets a scene up twice alike; with truth."""
    angle = rng.uniform(0, 2 * np.pi)
    first = game.codec.vector(push_x=np.cos(angle), push_y=np.sin(angle), push_strength=strength)
    return game.branch(seed, actions[:0], np.concatenate([first[None], actions[1:]]), truth=True)


def planes_of_motion(bodies: Bodies, truth: tuple[GroundTruth, ...]) -> NDArray[np.float64]:
    """The plane (C, 2, 3), a point and a normal, that each body moves in; facing the camera as far as that is free."""
    camera = truth[0].camera
    assert camera is not None
    outwards = camera.T_world_camera[:3, 2]
    planes = np.zeros((len(bodies.things), 2, 3))
    for body, things in enumerate(bodies.things):
        places = np.array([one.position_m for part in truth for one in part.objects or () if one.id == things[0]])
        if not len(places):
            planes[body] = np.full(3, np.nan), outwards
            continue
        _, sizes, axes = np.linalg.svd(places - places.mean(0))
        spread = np.zeros(3)
        spread[: len(sizes)] = sizes / np.sqrt(len(places))
        normal = outwards
        if spread[1] > 0.1:  # metres: it curves, or bounces aside
            normal = axes[2]
        elif spread[0] > 0.1:
            normal = outwards - (outwards @ axes[0]) * axes[0]
        planes[body] = places.mean(0), normal / np.linalg.norm(normal)
    return planes


def in_flight(bodies: Bodies, truth: tuple[GroundTruth, ...], fps: float) -> NDArray[np.bool_]:
    """(T, C) which bodies fall freely from this frame to the next."""
    flies = np.zeros((len(truth), len(bodies.things)), np.bool_)
    for body, things in enumerate(bodies.things):
        if len(things) > 1:
            continue
        rises = [
            next((one.velocity_m_s[2] for one in part.objects or () if one.id == things[0]), 0.0) for part in truth
        ]
        flies[:-1, body] = np.abs(np.diff(rises) * fps + 9.81) < 0.5
    return flies


def motion_facts(
    game: RealGame, bodies: Bodies, truth: tuple[GroundTruth, ...], after: slice
) -> dict[str, NDArray[Any]]:
    """What places in metres, and what follows from them, are worked out from."""
    cameras = [one.camera for one in truth]
    assert cameras[0] is not None
    return {
        "K": cameras[0].K,
        "T_world_camera": np.stack([camera.T_world_camera for camera in cameras if camera is not None])[after],
        "planes": planes_of_motion(bodies, truth),
        "masses_kg": bodies.masses_kg,
        "flies": in_flight(bodies, truth, game.fps)[after],
    }
