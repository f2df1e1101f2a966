"""One step of the player: turning, walking, jumping, gravity, and what the hands do.

Speeds, jump and gravity are those of Minecraft at 20 steps a second. Yaw 0 looks south (+z), yaw 90 west (-x),
pitch 90 straight down.
"""

from __future__ import annotations

import math

from numba import njit

from envs.voxel.creatures import step_entities
from envs.voxel.events import tell
from envs.voxel.hands import HALF_WIDTH_M, HEIGHT_M, attack_and_use, overlaps
from envs.voxel.kinds import BEACON
from envs.voxel.motion import DRAG, GRAVITY_M, MAX_FALL_M, axes, move
from envs.voxel.state import (
    CHANGE_COUNT,
    EVENT_COUNT,
    FIXED_CAMERA,
    ON_GROUND,
    PITCH,
    SELECTED,
    SNEAKING,
    STEPS,
    TOUCHED,
    VX,
    VY,
    VZ,
    YAW,
    X,
    Y,
    Z,
)  # fmt: skip

BUTTONS = (
    "attack", "back", "forward", "hotbar.1", "hotbar.2", "hotbar.3",
    "jump", "left", "right", "sneak", "sprint", "use",
)  # fmt: skip
ATTACK, BACK, FORWARD, HOTBAR_1, HOTBAR_2, HOTBAR_3, JUMP, LEFT, RIGHT, SNEAK, SPRINT, USE = range(len(BUTTONS))

PITCH_LIMIT_DEG = 85.0
WALK_M = 4.3 / 20  # metres a step
SPRINT_M = 5.6 / 20
SNEAK_M = 1.3 / 20
JUMP_M = 0.42
SWIM_M = 0.16  # upwards with the jump button; enough to climb ashore
SINK_M = 0.1
GROUND_GRIP = 0.6  # share of the way to the wished velocity taken in one step
AIR_GRIP = 0.25
TOUCH_M = 0.1


@njit(cache=True)
def advance(world, tables, buttons, pitch_down_deg, yaw_right_deg, touches=True):
    """One step of the world under the buttons (order of BUTTONS) and the camera's turn; fills ``world.events``.

    ``touches`` False is the same step of a player who neither attacks, uses nor picks up anything.
    """
    body, counters = world.body, world.counters
    counters[EVENT_COUNT] = 0
    counters[CHANGE_COUNT] = 0
    counters[STEPS] += 1
    fixed = world.rules[FIXED_CAMERA] != 0
    if not fixed:
        body[YAW] = (body[YAW] + yaw_right_deg + 180.0) % 360.0 - 180.0
        body[PITCH] = min(max(body[PITCH] + pitch_down_deg, -PITCH_LIMIT_DEG), PITCH_LIMIT_DEG)
    for k in range(3):
        if buttons[HOTBAR_1 + k]:
            counters[SELECTED] = k
    counters[SNEAKING] = buttons[SNEAK] and not fixed
    attack_and_use(world, tables, touches and buttons[ATTACK], touches and buttons[USE])
    if not fixed:
        _walk(world, tables, buttons)
    step_entities(world, tables, touches)
    x, y, z = touched_cell(world, BEACON, BEACON)
    if x >= 0:
        tell(world, TOUCHED, world.ids[x, y, z], BEACON, x, y, z, 0)


@njit(cache=True)
def _walk(world, tables, buttons):
    body, counters = world.body, world.counters
    ahead, aside = buttons[FORWARD] - buttons[BACK], buttons[RIGHT] - buttons[LEFT]
    speed = SNEAK_M if buttons[SNEAK] else (SPRINT_M if buttons[SPRINT] and ahead > 0 else WALK_M)
    if ahead != 0 and aside != 0:
        speed *= math.sqrt(0.5)
    rx, _, rz, _, _, _, fx, _, fz = axes(body[YAW], 0.0)
    grip = GROUND_GRIP if counters[ON_GROUND] else AIR_GRIP
    body[VX] += grip * (speed * (ahead * fx + aside * rx) - body[VX])
    body[VZ] += grip * (speed * (ahead * fz + aside * rz) - body[VZ])
    if abs(body[VX]) < 1e-3:
        body[VX] = 0.0
    if abs(body[VZ]) < 1e-3:
        body[VZ] = 0.0
    if buttons[JUMP] and counters[ON_GROUND]:
        body[VY] = JUMP_M
    counters[ON_GROUND] = move(world.blocks, tables.solid, body, HALF_WIDTH_M, HEIGHT_M)
    body[VY] = max((body[VY] - GRAVITY_M) * DRAG, -MAX_FALL_M)
    if _in_liquid(world.blocks, tables.liquid, body):
        body[VY] = SWIM_M if buttons[JUMP] else max(body[VY], -SINK_M)


@njit(cache=True)
def _in_liquid(blocks, liquid, body):
    """Whether the feet are wet: one swims until they are out, and so high that one gets ashore."""
    x, y, z = math.floor(body[X]), math.floor(body[Y] + 0.05), math.floor(body[Z])
    inside = 0 <= x < blocks.shape[0] and 0 <= y < blocks.shape[1] and 0 <= z < blocks.shape[2]
    return inside and liquid[blocks[x, y, z]]


@njit(cache=True)
def touched_cell(world, lowest, highest):
    """The first cell x, y, z of a kind from ``lowest`` to ``highest`` that the player touches; x is -1 for none."""
    blocks, body = world.blocks, world.body
    for i in range(math.floor(body[X] - 0.5), math.floor(body[X] + 0.5) + 1):
        for k in range(math.floor(body[Z] - 0.5), math.floor(body[Z] + 0.5) + 1):
            for j in range(math.floor(body[Y] - TOUCH_M), math.floor(body[Y] + HEIGHT_M + TOUCH_M) + 1):
                inside = 0 <= i < blocks.shape[0] and 0 <= j < blocks.shape[1] and 0 <= k < blocks.shape[2]
                if inside and lowest <= blocks[i, j, k] <= highest and overlaps(body, i, j, k, TOUCH_M):
                    return i, j, k
    return -1, -1, -1
