"""The whole picture of a world as one kernel: blocks, what moves, the light of the hour, and what is drawn over it."""

from __future__ import annotations

from numba import njit

from envs.voxel.hands import eye_height
from envs.voxel.hud import draw_health, draw_hud
from envs.voxel.light import apply_light
from envs.voxel.render import draw_blocks
from envs.voxel.render_entities import draw_entities
from envs.voxel.rewards import SURVIVE
from envs.voxel.state import ATTACK_WAIT, HEALTH, SELECTED, TASK, USE_WAIT, X, Y, Z


@njit(cache=True)
def draw_world(world, tables, textures, focal, hud, frame, depth, instance, glow):
    """Fill ``frame`` (H, W, 3) uint8, ``depth`` (H, W) in m, inf for sky, ``instance`` and ``glow`` (H, W)."""
    px, py, pz = world.body[X], world.body[Y] + eye_height(world.counters), world.body[Z]
    draw_blocks(world, tables, textures, px, py, pz, focal, frame, depth, instance, glow)
    draw_entities(world, tables, textures, px, py, pz, focal, frame, depth, instance, glow)
    apply_light(world, tables, px, py, pz, focal, frame, depth, glow)
    if hud:
        waiting = world.counters[ATTACK_WAIT] > 0 or world.counters[USE_WAIT] > 0
        draw_hud(frame, textures, world.hotbar, world.counters[SELECTED], waiting)
        if world.goal[TASK] == SURVIVE:
            draw_health(frame, world.counters[HEALTH])
