"""A scene: MuJoCo's model of it, and what the model does not say: what its things are, how they look, what they do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

from envs.physics.look import COLOURS, MARKED, Light, View, draw_light
from envs.physics.parameters import Parameters
from envs.physics.render import CHECKER, PLAIN, STRIPES
from envs.physics.surface import Surface
from worldsim.core.errors import UnknownNameError

STEP_S = 0.04  # 25 steps a second
# What a thing's life is at.
WAITING, PRESENT, GONE = range(3)

_KINDS = {
    "ball": mujoco.mjtGeom.mjGEOM_SPHERE,
    "box": mujoco.mjtGeom.mjGEOM_BOX,
    "cylinder": mujoco.mjtGeom.mjGEOM_CYLINDER,
}


@dataclass(frozen=True)
class Part:
    """A primitive shape of a thing: size_m is (radius,), (half x, half y, half z) or (radius, half length)."""

    kind: str
    size_m: Sequence[float]
    at_m: Sequence[float] = (0.0, 0.0, 0.0)
    quat: Sequence[float] = (1.0, 0.0, 0.0, 0.0)
    density: float = 1000.0
    texture_at_m: Sequence[float] = (0.0, 0.0, 0.0)  # where the shape sits in the pattern of its texture


@dataclass(frozen=True)
class Thing:
    """An object of a scene; its ``id`` is its place in ``Scene.things`` and the value in the id image, 0 the floor."""

    id: int
    noun: str
    body: int
    free: bool  # has all six degrees of freedom, so it can be put anywhere
    colour: int  # of COLOURS
    life: int  # at the start

    @property
    def present(self) -> bool:
        """From the start, rather than waiting to come."""
        return self.life == PRESENT


@dataclass(frozen=True)
class Shattering:
    """A thing that breaks into others when something presses on it harder than ``strength_n``."""

    whole: int
    shards: tuple[int, ...]
    strength_n: float
    scatter: float  # speed at which the pieces part, as a share of the speed of impact


@dataclass(frozen=True)
class Vessel:
    """A thing open at the top of its own z axis, and what is counted in it."""

    thing: int
    grains: tuple[int, ...]
    radius_m: float
    height_m: float


@dataclass(frozen=True)
class Shapes:
    """The geoms of a scene as the ray-caster wants them; G geoms."""

    kinds: NDArray[np.int32]
    sizes: NDArray[np.float64]  # (G, 3)
    bounds: NDArray[np.float64]
    things: NDArray[np.int32]
    textures: NDArray[np.int32]
    scales_m: NDArray[np.float64]
    offsets_m: NDArray[np.float64]  # (G, 3)


@dataclass(frozen=True)
class Scene:
    """A built scene. It does not change: what does is in the game's state."""

    model: mujoco.MjModel
    things: tuple[Thing, ...]  # things[0] is the floor
    shapes: Shapes
    marked: int  # the thing that pushes act on
    push_m_s: float  # the speed that a push of full strength gives it in one step
    push_up_m: float  # how far above its middle, along its own z axis, the push takes hold
    substeps: int
    view: View
    light: Light
    parameters: dict[str, float]
    start_velocities: NDArray[np.float64]  # (nv,)
    shattering: Shattering | None = None
    vessel: Vessel | None = None


# What can be added to any scene.
_ALWAYS = {"ball": Part("ball", (0.2,)), "box": Part("box", (0.18, 0.18, 0.18))}


@dataclass(frozen=True)
class _Added:
    """A thing of a scene that is being built."""

    noun: str
    parts: list[Part]
    how: dict[str, Any]  # further arguments of ``SceneBuilder.add`` for another one like it
    free: bool
    colour: str
    texture: tuple[int, float]  # which, and its scale as a share of the size
    life: int
    motion: list[float]  # velocity and spin


@dataclass
class SceneBuilder:
    """Collects things and builds the scene; lengths in metres, x right, y away from the camera, z up."""

    draw: Parameters
    substeps: int = 16
    view: View | None = None
    push_m_s: float = 1.0
    push_up_m: float = 0.0
    shattering: Shattering | None = None
    vessel: Vessel | None = None
    crowded: bool = False  # many light contacts: conjugate gradients are several times faster, and a little softer
    marked: int = 0
    _things: list[_Added] = field(default_factory=list)
    _textures: list[tuple[int, float, Sequence[float], int]] = field(default_factory=list)  # of each geom but the floor

    def __post_init__(self) -> None:
        self._spec = mujoco.MjSpec()
        self._spec.worldbody.add_geom(name="floor", type=mujoco.mjtGeom.mjGEOM_PLANE, size=[0, 0, 1])
        self._looks = self.draw.rng("look")
        palette = [name for name in COLOURS if name != MARKED]
        self._colours = [palette[i] for i in self._looks.permutation(len(palette))]

    def add(
        self,
        noun: str,
        parts: Part | Sequence[Part],
        at_m: Sequence[float],
        *,
        quat: Sequence[float] = (1.0, 0.0, 0.0, 0.0),
        surface: Surface | None = None,
        hangs_from_m: Sequence[float] | None = None,
        fixed: bool = False,
        drag_kg_s: float = 0.0,
        velocity_m_s: Sequence[float] = (0.0, 0.0, 0.0),
        spin_rad_s: Sequence[float] = (0.0, 0.0, 0.0),
        colour: str | None = None,
        like: int | None = None,
        marked: bool = False,
        present: bool = True,
    ) -> int:
        """Add a thing and return its id.

        ``hangs_from_m`` is a point of the thing, in its own coordinates, that a ball joint holds in its place; ``like``
        is a thing whose colour and texture it shares; ``spin_rad_s`` is in the thing's own axes; one that is not
        ``present`` waits until the game brings it in.
        """
        number = len(self._things) + 1
        parts = [parts] if isinstance(parts, Part) else list(parts)
        body = self._spec.worldbody.add_body(
            name=f"thing{number}", pos=list(at_m), quat=list(quat), gravcomp=0.0 if fixed else 1.0
        )
        free = not fixed and hangs_from_m is None
        if free:
            body.add_joint(type=mujoco.mjtJoint.mjJNT_FREE, damping=[drag_kg_s, 0.0, 0.0])
        elif hangs_from_m is not None:
            body.add_joint(type=mujoco.mjtJoint.mjJNT_BALL, pos=list(hangs_from_m))
        if like is not None:
            colour, texture = colour or self._things[like - 1].colour, self._things[like - 1].texture
        else:
            colour = MARKED if marked else colour or self._colours[(number - 1) % len(self._colours)]
            texture = int(self._looks.choice([PLAIN, CHECKER, STRIPES])), float(self._looks.uniform(0.5, 0.9))
        surface = surface or Surface()
        for part in parts:
            body.add_geom(
                type=_KINDS[part.kind], size=[*part.size_m, 0.0, 0.0][:3], pos=list(part.at_m), quat=list(part.quat),
                density=part.density, **surface.settings(),
            )  # fmt: skip
            self._textures.append((texture[0], texture[1] * max(part.size_m), part.texture_at_m, number))
        how: dict[str, Any] = {"quat": quat, "surface": surface, "hangs_from_m": hangs_from_m, "fixed": fixed}
        how["drag_kg_s"] = drag_kg_s
        motion = [*velocity_m_s, *spin_rad_s]
        self._things.append(_Added(noun, parts, how, free, colour, texture, PRESENT if present else WAITING, motion))
        if marked:
            self.marked = number
        return number

    def add_another(self, cls: str, at_m: Sequence[float]) -> int:
        """Add a thing at rest like the first of its noun, "domino", or "green_domino" for the colour; return its id.

        A ball and a box can be added to every scene. Raises UnknownNameError for another noun or colour.
        """
        colour, _, noun = cls.rpartition("_")
        if colour and colour not in COLOURS:
            raise UnknownNameError("colour", colour, COLOURS)
        like = next((i for i, thing in enumerate(self._things, start=1) if thing.noun == noun), None)
        if like is not None:
            known = self._things[like - 1]
            return self.add(noun, known.parts, at_m, **known.how, colour=colour or None, like=like)
        if noun not in _ALWAYS:
            nouns = {thing.noun for thing in self._things} | set(_ALWAYS)
            raise UnknownNameError("object that can be added", noun, nouns)
        return self.add(noun, _ALWAYS[noun], at_m, colour=colour or None)

    def look_from(self, target_m: Sequence[float], distance_m: float, elevation_deg: float, spread_deg: float = 25.0):
        """Place the camera about so; the seed moves it somewhat."""
        rng = self.draw.rng("camera")
        x, y, z = target_m
        self.view = View(
            (x, y, z),
            distance_m * rng.uniform(0.97, 1.12),
            rng.uniform(-spread_deg, spread_deg),
            elevation_deg + rng.uniform(-4, 5),
            float(rng.choice([-1, 1]) * rng.uniform(14, 24)),
        )

    def build(self) -> Scene:
        """Compile the model."""
        self._spec.option.timestep = STEP_S / self.substeps
        if self.crowded:
            self._spec.option.solver = mujoco.mjtSolver.mjSOL_CG
        model = self._spec.compile()
        light = draw_light(self.draw.rng("light"))
        things = [Thing(0, "floor", 0, False, 0, PRESENT)]
        velocities = np.zeros(model.nv)
        for number, one in enumerate(self._things, start=1):
            body = model.body(f"thing{number}").id
            things.append(Thing(number, one.noun, body, one.free, COLOURS.index(one.colour), one.life))
            count = int(model.body_dofnum[body])
            start = int(model.body_dofadr[body])
            # A free body moves and turns; one that hangs only turns.
            velocities[start : start + count] = one.motion[6 - count :] if count else []
        floor = (light.floor_texture, light.floor_scale_m, (0.0, 0.0, 0.0), 0)
        looks = [floor, *self._textures]
        shapes = Shapes(
            kinds=model.geom_type.astype(np.int32),
            sizes=model.geom_size.copy(),
            bounds=model.geom_rbound.copy(),
            things=np.array([look[3] for look in looks], np.int32),
            textures=np.array([look[0] for look in looks], np.int32),
            scales_m=np.array([look[1] for look in looks]),
            offsets_m=np.array([look[2] for look in looks], np.float64),
        )
        assert self.view is not None and self.marked and model.ngeom == len(looks)
        return Scene(
            model, tuple(things), shapes, self.marked, self.push_m_s, self.push_up_m, self.substeps, self.view, light,
            dict(self.draw.values), velocities, self.shattering, self.vessel,
        )  # fmt: skip
