"""``physics/*``: small mechanical scenes as a Gymnasium environment."""

from __future__ import annotations

from typing import Any

import gymnasium
import mujoco
import numpy as np
from gymnasium import spaces

from envs.physics import fracture, ground_truth, render
from envs.physics.intervene import INTERVENTIONS, intervene
from envs.physics.look import SHADES, focal_px, pinhole
from envs.physics.parameters import SPLITS
from envs.physics.scene import GONE, PRESENT, STEP_S
from envs.physics.scenes import SCENES, Addition, build_scene
from worldsim.core.action_check import require_action
from worldsim.core.errors import UnknownNameError, WorldsimError
from worldsim.core.seeding import derive_seed
from worldsim.core.types import Frames, GroundTruth

CAMERAS = ("fixed", "orbit")
_STATE = mujoco.mjtState.mjSTATE_INTEGRATION  # PHYSICS alone leaves out what the contact solver starts from
_FASTEST_PUSH_M_S = 3.0  # a push adds no speed to a body that moves away faster, as a hand would not
_LOOKS_PER_STEP = 4  # how often in a step contacts are looked at; the shortest bounce lasts longer than one interval


class PhysicsEnv(gymnasium.Env[Frames, dict[str, Any]]):
    """A scene that plays itself, and a body in it, the red one, that can be pushed.

    Observation: the frame, uint8 (height, width, 3). Action: ``push_x`` (right) and ``push_y`` (away), a direction in
    the scene's own axes, of length 1 at most, and ``push_strength`` in [0, 1]: a force on the body for one step,
    through its middle or, where it can tip over, higher up; it makes nothing faster than 3 m/s. World: metres, z up,
    gravity 9.81 m/s^2; the fixed camera looks along +y, give or take what the seed turns it. The reward is 0 and no
    scene ends by itself.

    ``split`` chooses whether the physical parameters of a seed lie in the range for training ("in") or outside of it
    ("out"); ``camera="orbit"`` goes round the scene; with ``passive=True`` pushes have no effect.
    ``info``: "contacts", pairs of ids that touched in the step (0 is the floor); "shattered"; "grains_in_glass" and
    "glass_tilt_deg"; after a reset "parameters". Raises WorldsimError for a size below 16 or an unknown choice.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": round(1 / STEP_S)}  # noqa: RUF012 (gymnasium's own declaration)

    def __init__(
        self,
        scene: str,
        height: int = 64,
        width: int = 64,
        split: str = "in",
        camera: str = "fixed",
        passive: bool = False,
        render_mode: str | None = None,
    ):
        if scene not in SCENES:
            raise UnknownNameError("physics scene", scene, SCENES)
        if height < 16 or width < 16:
            raise WorldsimError(f"physics/{scene} draws 16x16 and up; got height={height}, width={width}.")
        for name, value, known in (("split", split, SPLITS), ("camera", camera, CAMERAS)):
            if value not in known:
                raise WorldsimError(f"{name}={value!r}: use one of {', '.join(map(repr, known))}.")
        if render_mode not in (None, "rgb_array"):
            raise WorldsimError(f"render_mode={render_mode!r}: use 'rgb_array' or None.")
        self.scene_name, self.height, self.width = scene, int(height), int(width)
        self.split, self.camera, self.passive, self.render_mode = split, camera, passive, render_mode
        self.observation_space = spaces.Box(0, 255, (self.height, self.width, 3), np.uint8)
        self.action_space = spaces.Dict(
            {
                "push_x": spaces.Box(-1.0, 1.0, (1,), np.float32),
                "push_y": spaces.Box(-1.0, 1.0, (1,), np.float32),
                "push_strength": spaces.Box(0.0, 1.0, (1,), np.float32),
            }
        )
        shape = (self.height, self.width)
        self._focal = focal_px(self.height, self.width)
        self._depth, self._ids = np.zeros(shape, np.float32), np.zeros(shape, np.int32)
        self._hits = np.zeros(shape, np.int32)
        self._frame: Frames = np.zeros((*shape, 3), np.uint8)
        self._built: tuple[int, str, tuple[Addition, ...]] | None = None
        self._seed: int | None = None

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Frames, dict[str, Any]]:
        """The scene of ``seed``; without one, the scene that follows the last one, or a random one at first."""
        super().reset(seed=seed)
        if seed is None:
            following = None if self._seed is None else derive_seed(self._seed, "physics", "next") >> 32
            seed = int(self.np_random.integers(2**31)) if following is None else following
        self._begin(seed, self.split)
        return self._draw(), {"parameters": dict(self.scene.parameters), **self._info(np.zeros(0, np.int64))}

    def step(self, action: dict[str, Any]) -> tuple[Frames, float, bool, bool, dict[str, Any]]:
        require_action(self.action_space, action)
        body = self.scene.things[self.scene.marked].body
        self.data.xfrc_applied[body] = self._push(action)
        touched = self._advance()
        self.data.xfrc_applied[body] = 0.0
        self.steps += 1
        frame = self._draw()
        return frame, 0.0, False, False, self._info(touched)

    def render(self) -> Frames | None:
        return self._frame.copy() if self.render_mode == "rgb_array" else None

    def get_state(self) -> dict[str, Any]:
        """Everything that decides the future; the scene itself is built again from its seed and split."""
        physics = np.empty(mujoco.mj_stateSize(self.scene.model, _STATE))
        mujoco.mj_getState(self.scene.model, self.data, physics, _STATE)
        assert self._built is not None
        return {
            "scene": self.scene_name,
            "seed": self._built[0],
            "split": self._built[1],
            "added_classes": np.array([cls for cls, _ in self._built[2]], np.str_),
            "added_places_m": np.array([place for _, place in self._built[2]], np.float64).reshape(-1, 3),
            "steps": self.steps,
            "physics": physics,
            "life": self.life.copy(),
            "colours": self.colours.copy(),
        }

    def set_state(self, state: dict[str, Any]) -> Frames:
        """Put the game into ``state``, of this scene and of any split, and return the frame seen there."""
        if state["scene"] != self.scene_name:
            raise WorldsimError(
                f"this is a state of physics/{state['scene']} and cannot be put into physics/{self.scene_name}."
            )
        added = zip(state["added_classes"].tolist(), state["added_places_m"].tolist(), strict=True)
        self._begin(state["seed"], state["split"], tuple((cls, (x, y, z)) for cls, (x, y, z) in added))
        self.steps = state["steps"]
        self.life[:], self.colours[:] = state["life"], state["colours"]
        mujoco.mj_setState(self.scene.model, self.data, state["physics"], _STATE)
        return self.redraw()

    def ground_truth(self) -> GroundTruth:
        """Depth, ids, camera and objects of the present frame."""
        camera = pinhole(self._pose(), self.height, self.width)
        return ground_truth.collect(self.scene, self.data, self.life, self.colours, self._depth, self._ids, camera)

    def interventions(self) -> tuple[str, ...]:
        return tuple(INTERVENTIONS)

    def intervene(self, name: str, **details: Any) -> Frames:
        """Change the scene now and return the frame seen then; time does not pass.

        ``remove(object_id)``; ``recolour(object_id, colour)``; ``teleport(object_id, position_m)``, which keeps the
        motion; ``add(cls, position_m)``, at rest, with ``cls`` "ball", "box" or another noun of the scene, or with a
        colour before it, "blue_ball". WorldsimError for what cannot be.
        """
        intervene(self, name, details)
        return self.redraw()

    def redraw(self) -> Frames:
        """The frame after the state was changed from outside."""
        self._apply_life()
        return self._draw()

    def extend(self, addition: Addition) -> None:
        """Add a thing to the scene as it is now; everything else goes on where and as it was."""
        assert self._built is not None
        seed, split, added = self._built
        before, life, colours, steps = self.data, self.life, self.colours, self.steps
        self._begin(seed, split, (*added, addition))
        self.steps = steps
        self.life[: len(life)], self.colours[: len(colours)] = life, colours
        self.data.time = before.time
        for name in ("qpos", "qvel", "qacc_warmstart"):
            old = getattr(before, name)
            getattr(self.data, name)[: len(old)] = old
        self._apply_life()

    def _begin(self, seed: int, split: str, added: tuple[Addition, ...] = ()) -> None:
        if self._built != (seed, split, added):
            self.scene = build_scene(self.scene_name, seed, split, added)
            self.data = mujoco.MjData(self.scene.model)
            self._built = (seed, split, added)
        else:
            mujoco.mj_resetData(self.scene.model, self.data)
        self._seed = seed
        self.steps = 0
        self.life = np.array([thing.life for thing in self.scene.things], np.int8)
        self.colours = np.array([thing.colour for thing in self.scene.things], np.int8)
        self.data.qvel[:] = self.scene.start_velocities
        self._apply_life()

    def _apply_life(self) -> None:
        """What is not present touches nothing, does not fall and is not drawn."""
        model, present = self.scene.model, self.life == PRESENT
        self._visible = present[self.scene.shapes.things]
        model.geom_contype[:] = model.geom_conaffinity[:] = self._visible
        for thing in self.scene.things[1:]:
            model.body_gravcomp[thing.body] = 0.0 if present[thing.id] else 1.0

    def _push(self, action: dict[str, Any]) -> np.ndarray:
        """The push as a force and a torque (6,) for one step."""
        scene, wrench = self.scene, np.zeros(6)
        if self.passive or self.life[scene.marked] != PRESENT:
            return wrench
        direction = np.array([float(np.asarray(action[name]).item()) for name in ("push_x", "push_y")])
        direction /= max(float(np.hypot(*direction)), 1.0)
        body = scene.things[scene.marked].body
        speed = scene.push_m_s * float(np.asarray(action["push_strength"]).item()) * float(np.hypot(*direction))
        if speed > 0:
            direction /= np.hypot(*direction)
            already = float(ground_truth.motion(scene, self.data)[1][scene.marked, :2] @ direction)
            speed = min(speed, max(_FASTEST_PUSH_M_S - already, 0.0))
        wrench[:2] = direction * (speed * scene.model.body_mass[body] / STEP_S)
        wrench[3:] = np.cross(scene.push_up_m * self.data.xmat[body].reshape(3, 3)[:, 2], wrench[:3])
        return wrench

    def _advance(self) -> np.ndarray:
        """One step of time; the pairs of things that touched, see ``ground_truth.touching``."""
        scene, data, rule = self.scene, self.data, self.scene.shattering
        touched = []
        done = 0
        while done < scene.substeps:
            brittle = rule is not None and self.life[rule.whole] == PRESENT
            count = 1 if brittle else scene.substeps // _LOOKS_PER_STEP - done % (scene.substeps // _LOOKS_PER_STEP)
            mujoco.mj_step(scene.model, data, count)
            done += count
            touched.append(ground_truth.touching(scene, data))
            if rule is not None and brittle:
                force_n = fracture.pressed_n(scene, data, rule.whole)
                if force_n > rule.strength_n:
                    fracture.break_up(scene, data, rule, force_n)
                    self.vanish(rule.whole)
                    self.life[list(rule.shards)] = PRESENT
                    self._apply_life()
        return np.unique(np.concatenate(touched))

    def vanish(self, thing: int) -> None:
        """Take a thing out of the scene; it keeps its place and moves no more."""
        self.life[thing] = GONE
        body = self.scene.things[thing].body
        start, count = int(self.scene.model.body_dofadr[body]), int(self.scene.model.body_dofnum[body])
        if count:
            self.data.qvel[start : start + count] = 0.0
            self.data.qacc_warmstart[start : start + count] = 0.0

    def _pose(self) -> np.ndarray:
        turned = self.scene.view.orbit_deg_s * STEP_S * self.steps if self.camera == "orbit" else 0.0
        return self.scene.view.pose(turned)

    def _info(self, touched: np.ndarray) -> dict[str, Any]:
        count = len(self.scene.things)
        info: dict[str, Any] = {"contacts": tuple(divmod(int(pair), count) for pair in touched)}
        if self.scene.shattering is not None:
            info["shattered"] = bool(self.life[self.scene.shattering.shards[0]] == PRESENT)
        if self.scene.vessel is not None:
            info["grains_in_glass"], info["glass_tilt_deg"] = ground_truth.in_vessel(self.scene, self.data, self.life)
        return info

    def _draw(self) -> Frames:
        scene, data, pose, light = self.scene, self.data, self._pose(), self.scene.light
        mujoco.mj_kinematics(scene.model, data)
        shapes = scene.shapes
        placed = (self._visible, data.geom_xpos, data.geom_xmat, pose[:3, 3].copy(), pose[:3, :3].copy(), self._focal)
        colours = SHADES[self.colours]
        colours[0] = light.floor
        frame = np.empty((self.height, self.width, 3), np.uint8)
        render.cast(
            shapes.kinds, shapes.sizes, shapes.bounds, shapes.things, *placed, self._depth, self._ids, self._hits
        )
        render.shade(
            shapes.kinds, shapes.sizes, shapes.things, *placed, self._depth, self._hits,
            shapes.textures, shapes.scales_m, shapes.offsets_m, colours,
            light.direction, light.ambient, light.tint, light.sky, frame,
        )  # fmt: skip
        self._frame = frame
        return frame.copy() if self.render_mode == "rgb_array" else frame
