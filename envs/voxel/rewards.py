"""Reward and termination as a kernel on a world: what its goal asks for, from the events of the last step."""

from __future__ import annotations

from numba import njit

from envs.voxel.kinds import FIRST_COLOURED_BEACON, GEM, LAST_COLOURED_BEACON
from envs.voxel.player import touched_cell
from envs.voxel.state import (
    BITTEN,
    BROKEN,
    DONE,
    DROPS,
    EVENT_COUNT,
    FIRST_ID,
    FULL_HEALTH,
    HEALTH,
    KIND,
    LAST_ID,
    PICKED_UP,
    STEPS,
    TASK,
    TOTAL,
    TOUCHED,
    WANTED,
    WHAT,
    WHO,
)  # fmt: skip

# Values of goal[TASK].
REACH, FIND, COLLECT, BUILD, SURVIVE = range(5)

BEACON_REWARD = 1.0
GEM_REWARD = 0.2
WRONG_BEACON_REWARD = -0.5
WRONG_ITEM_REWARD = -0.2
DEATH_REWARD = -1.0
ALIVE_REWARD = 0.01
HUNGER_STEPS = 15  # steps until a point of health is lost
FOOD_HEALTH = 3  # points of health that a bite or a gem brings


@njit(cache=True)
def judge(world):
    """Reward and termination of the step that ``world.events`` tells of; keeps count in ``world.goal``."""
    task = world.goal[TASK]
    if task == REACH:
        reward, done = _reach(world)
    elif task == FIND:
        reward, done = _find(world)
    elif task == COLLECT:
        reward, done = _collect(world)
    elif task == BUILD:
        reward, done = _build(world)
    else:
        reward, done = _survive(world)
    return reward, done or world.counters[HEALTH] <= 0


@njit(cache=True)
def _reach(world):
    """The beacon pays and ends; a gem pays, where blocks leave items behind once it is picked up."""
    reward, done = 0.0, False
    gem = PICKED_UP if world.rules[DROPS] else BROKEN
    for n in range(world.counters[EVENT_COUNT]):
        event = world.events[n]
        if event[WHAT] == TOUCHED:
            reward += BEACON_REWARD
            done = True
        elif event[WHAT] == gem and event[KIND] == GEM:
            reward += GEM_REWARD
    return reward, done


@njit(cache=True)
def _find(world):
    """Any coloured beacon ends the episode; the one that was named pays."""
    x, y, z = touched_cell(world, FIRST_COLOURED_BEACON, LAST_COLOURED_BEACON)
    if x < 0:
        return 0.0, False
    return (BEACON_REWARD if world.blocks[x, y, z] == world.goal[WANTED] else WRONG_BEACON_REWARD), True


@njit(cache=True)
def _collect(world):
    """A named item pays its share of 1, any other of the task's items costs; the last of the named ones ends it."""
    goal, reward = world.goal, 0.0
    for n in range(world.counters[EVENT_COUNT]):
        event = world.events[n]
        if event[WHAT] == PICKED_UP and goal[FIRST_ID] <= event[WHO] <= goal[LAST_ID]:
            if event[KIND] == goal[WANTED]:
                reward += 1.0 / goal[TOTAL]
                goal[DONE] += 1
            else:
                reward += WRONG_ITEM_REWARD
    return reward, goal[DONE] >= goal[TOTAL]


@njit(cache=True)
def _build(world):
    """Half of 1 is paid block by block (and taken back when one is broken), the rest when all stand."""
    goal, right = world.goal, 0
    for n in range(int(goal[TOTAL])):
        x, y, z, kind = world.goal_cells[n]
        right += world.blocks[x, y, z] == kind
    reward = 0.5 * (right - goal[DONE]) / goal[TOTAL]
    goal[DONE] = right
    if right == goal[TOTAL]:
        return reward + 0.5, True
    return reward, False


@njit(cache=True)
def _survive(world):
    """Each step alive pays; hunger takes health, food brings it back, death costs and ends."""
    counters = world.counters
    if counters[HEALTH] <= 0:  # dead already
        return 0.0, True
    if counters[STEPS] % HUNGER_STEPS == 0:
        counters[HEALTH] -= 1
    for n in range(counters[EVENT_COUNT]):
        what = world.events[n, WHAT]
        if what == BITTEN or (what == PICKED_UP and world.events[n, KIND] == GEM):
            counters[HEALTH] = min(counters[HEALTH] + FOOD_HEALTH, FULL_HEALTH)
    if counters[HEALTH] <= 0:
        return DEATH_REWARD, True
    return ALIVE_REWARD, False
