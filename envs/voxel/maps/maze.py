"""``voxel/maze``: coloured rooms with a landmark each, joined by corridors; a map one has to remember.

The rooms' plan is a spanning tree of a square grid, found by a random walk that backtracks, with some more doorways
broken through, so that there are ways round. A roof closes it: there is no sun to steer by.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from envs.voxel.kinds import (
    AIR,
    BEACON,
    BEDROCK,
    DOOR_ACROSS_X,
    DOOR_ACROSS_Z,
    GEM,
    NAMES,
    NUMBER,
    OBJECT_COLOURS,
)  # fmt: skip
from envs.voxel.map import Map
from worldsim.core.errors import WorldsimError
from worldsim.core.seeding import stream

FLOOR_Y = 2
ROOM_HEIGHT = 4
CORRIDOR_HEIGHT = 3
PITCH = 8  # metres from one room's middle to the next one's
ROOM_SIZES = (4, 6)  # smallest and largest side of a room, in metres
WALLS = tuple(f"{name}_room" for name in ("red", "orange", "yellow", "green", "teal", "blue", "purple", "pink"))
SHAPES = {"cube": 1, "post": 2, "pillar": 3, "column": 4}  # heights; one block wide, so that no doorway is blocked
ROOMS_ACROSS = (2, 8)
GEM_SHARE = 0.5  # of the rooms
LOOP_SHARE = 0.2  # of the doorways that the tree left closed

Node = tuple[int, int]


@dataclass
class Plan:
    """Which rooms there are, as boxes (x, z, width, depth), and which pairs of them are joined."""

    rooms: dict[Node, tuple[int, int, int, int]]
    joined: list[tuple[Node, Node]] = field(default_factory=list)

    def distances(self, start: Node) -> dict[Node, int]:
        """Corridors to walk from ``start`` to each room."""
        far, front = {start: 0}, [start]
        for node in front:
            for pair in self.joined:
                if node in pair:
                    other = pair[1] if pair[0] == node else pair[0]
                    if other not in far:
                        far[other] = far[node] + 1
                        front.append(other)
        return far


def generate(seed: int, rooms: int = 4, doors: bool = False) -> Map:
    """The maze of ``seed`` with ``rooms`` x ``rooms`` rooms; the beacon stands in one of the farthest.

    With ``doors``, half of the ways into rooms are closed by a door. Raises WorldsimError for a size not offered.
    """
    if not ROOMS_ACROSS[0] <= rooms <= ROOMS_ACROSS[1]:
        raise WorldsimError(f"a maze has {ROOMS_ACROSS[0]} to {ROOMS_ACROSS[1]} rooms on each side; got rooms={rooms}")
    rng = stream(seed, "voxel", "maze", rooms)
    side = rooms * PITCH + 2
    made = Map.empty((side, FLOOR_Y + ROOM_HEIGHT + 2, side), build_limit_y=FLOOR_Y + ROOM_HEIGHT)
    plan = _plan(rng, rooms)
    _carve(made, plan, rng)
    nodes = list(plan.rooms)
    start = nodes[rng.integers(len(nodes))]
    far = plan.distances(start)
    farthest = sorted(nodes, key=lambda node: far[node])[-max(len(nodes) // 4, 1) :]
    goal = farthest[rng.integers(len(farthest))]
    if doors:
        _hang_doors(made, plan, rng)
    _furnish(made, plan, rng, goal)
    x, z, width, depth = plan.rooms[start]
    made.spawn = (x + width / 2, float(FLOOR_Y), z + depth / 2)
    made.spawn_yaw_deg = float(rng.uniform(-180, 180))
    return made


def _plan(rng: np.random.Generator, across: int) -> Plan:
    rooms = {}
    for node in np.ndindex(across, across):
        width, depth = (int(n) for n in rng.integers(ROOM_SIZES[0], ROOM_SIZES[1] + 1, 2))
        x, z = (1 + PITCH * n + (PITCH - size) // 2 for n, size in zip(node, (width, depth), strict=True))
        rooms[node] = (x, z, width, depth)
    plan = Plan(rooms)
    path: list[Node] = [tuple(rng.integers(0, across, 2).tolist())]
    seen = {path[0]}
    while path:
        near = [(path[-1][0] + a, path[-1][1] + b) for a, b in ((1, 0), (-1, 0), (0, 1), (0, -1))]
        new = [node for node in near if node in rooms and node not in seen]
        if not new:
            path.pop()
            continue
        node = new[rng.integers(len(new))]
        plan.joined.append((min(path[-1], node), max(path[-1], node)))
        seen.add(node)
        path.append(node)
    for a, b in rooms:
        for pair in (((a, b), (a + 1, b)), ((a, b), (a, b + 1))):
            if pair[1] in rooms and pair not in plan.joined and rng.random() < LOOP_SHARE:
                plan.joined.append(pair)
    return plan


def _carve(made: Map, plan: Plan, rng: np.random.Generator) -> None:
    """Rooms and corridors out of solid rock; what borders on a room takes the room's colour."""
    blocks = made.blocks
    blocks[:] = NUMBER["maze_wall"]
    blocks[:, 0] = BEDROCK
    blocks[:, 1] = NUMBER["maze_floor"]
    walls = np.concatenate([rng.permutation(WALLS) for _ in range(-(-len(plan.rooms) // len(WALLS)))])
    for name, (x, z, width, depth) in zip(walls.tolist(), plan.rooms.values(), strict=False):
        blocks[x - 1 : x + width + 1, FLOOR_Y : FLOOR_Y + ROOM_HEIGHT, z - 1 : z + depth + 1] = NUMBER[name]
    for x, z, width, depth in plan.rooms.values():
        blocks[x : x + width, FLOOR_Y : FLOOR_Y + ROOM_HEIGHT, z : z + depth] = AIR
    for (a, b), (c, d) in plan.joined:
        # Two metres wide, from the middle of one room to that of the other; the middles of neighbours are in line.
        low = [PITCH * n + PITCH // 2 for n in (a, b)]
        high = [PITCH * n + PITCH // 2 + 2 for n in (c, d)]
        blocks[low[0] : high[0], FLOOR_Y : FLOOR_Y + CORRIDOR_HEIGHT, low[1] : high[1]] = AIR
    blocks[:, FLOOR_Y + ROOM_HEIGHT :] = NUMBER["maze_roof"]


def _hang_doors(made: Map, plan: Plan, rng: np.random.Generator) -> None:
    """Doors in half of the rooms' doorways: one cell is walled up, the other gets a door, and a lintel above it."""
    for pair in plan.joined:
        lane = int(rng.integers(2))  # the same at both ends: doors may be back to back
        for room, other in (pair, pair[::-1]):
            if rng.random() < 0.5:
                _hang_door(made, plan, room, other, lane)


def _hang_door(made: Map, plan: Plan, room: Node, other: Node, lane: int) -> None:
    x, z, width, depth = plan.rooms[room]
    along_x, along_z = other[0] - room[0], other[1] - room[1]
    if along_x:
        at_x = x + width if along_x > 0 else x - 1
        cells = [(at_x, PITCH * room[1] + PITCH // 2 + n) for n in (0, 1)]
    else:
        at_z = z + depth if along_z > 0 else z - 1
        cells = [(PITCH * room[0] + PITCH // 2 + n, at_z) for n in (0, 1)]
    for n, (a, c) in enumerate(cells):
        low = FLOOR_Y + 2 if n == lane else FLOOR_Y
        made.blocks[a, low : FLOOR_Y + CORRIDOR_HEIGHT, c] = NUMBER["maze_wall"]
    a, c = cells[lane]
    made.add("door", DOOR_ACROSS_X if along_x else DOOR_ACROSS_Z, (a, FLOOR_Y, c), (1, 2, 1))


def _furnish(made: Map, plan: Plan, rng: np.random.Generator, goal: Node) -> None:
    """A landmark in a corner of each room, no two alike while they last; the beacon; gems in half of the rooms."""
    kinds = [(shape, colour) for shape in SHAPES for colour in OBJECT_COLOURS]
    order = np.concatenate([rng.permutation(len(kinds)) for _ in range(-(-len(plan.rooms) // len(kinds)))])
    for node, which in zip(plan.rooms, order.tolist(), strict=False):
        x, z, width, depth = plan.rooms[node]
        corners = rng.permutation(4).tolist()
        shape, colour = kinds[which]
        things = [(f"{NAMES[colour]}_{shape}", colour, SHAPES[shape])]
        if rng.random() < GEM_SHARE:
            things.append(("gem", GEM, 1))
        if node == goal:
            things.append(("beacon", BEACON, ROOM_HEIGHT - 1))
        for (cls, kind, height), corner in zip(things, corners, strict=False):
            a, c = divmod(corner, 2)
            made.add(cls, kind, (x + a * (width - 1), FLOOR_Y, z + c * (depth - 1)), (1, height, 1))
