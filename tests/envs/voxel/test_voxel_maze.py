import numpy as np
import pytest

from envs.voxel import paths
from envs.voxel.kinds import AIR, BEACON, NAMES
from envs.voxel.maps import maze
from worldsim.core.errors import WorldsimError


def start_of(made):
    return tuple(int(n) for n in np.floor(made.spawn))


@pytest.mark.parametrize(("rooms", "doors"), [(2, False), (3, True), (4, False), (4, True), (6, False)])
def test_every_room_can_be_walked_to_and_has_its_landmark(rooms, doors):
    for seed in range(4):
        made = maze.generate(seed, rooms=rooms, doors=doors)
        cells = paths.reachable(made.blocks, start_of(made))
        reached = {(x // maze.PITCH, z // maze.PITCH) for x, _, z in (cells - 1).tolist()}
        assert len(reached) == rooms**2
        assert np.abs(cells - np.argwhere(made.blocks == BEACON)[0]).sum(1).min() <= 2
        classes = [cls for _, cls, *_ in made.objects]
        landmarks = [cls for cls in classes if cls.rpartition("_")[2] in maze.SHAPES]
        assert len(landmarks) == rooms**2
        assert len(set(landmarks)) == min(rooms**2, 24)
        assert classes.count("beacon") == 1
        assert ("door" in classes) == doors


def test_walls_tell_rooms_apart():
    made = maze.generate(1, rooms=3)
    shown = []
    for a, b in np.ndindex(3, 3):
        part = made.blocks[1 + 8 * a : 9 + 8 * a, maze.FLOOR_Y, 1 + 8 * b : 9 + 8 * b]
        names = [NAMES[n] for n in np.unique(part) if n and NAMES[n] in maze.WALLS]
        assert len(names) == 1
        shown += names
    assert len(set(shown)) == len(maze.WALLS)


def test_the_beacon_is_far_and_mazes_differ():
    ways = []
    for seed in range(6):
        made = maze.generate(seed)
        came_from = paths.search(made.blocks, paths.BLOCKING, *start_of(made))
        x, y, z = np.argwhere(made.blocks == BEACON)[0].tolist()
        beside = [(x + 1, y, z), (x - 1, y, z), (x, y, z + 1), (x, y, z - 1)]
        ways.append(min(len(paths.way(came_from, cell)) for cell in beside if came_from[cell] != paths.UNREACHED))
    assert min(ways) > 8
    assert np.mean(ways) > 20
    assert (maze.generate(1).blocks != maze.generate(2).blocks).any()
    assert (maze.generate(1).blocks == maze.generate(1).blocks).all()


def test_it_is_closed_all_around():
    made = maze.generate(5, rooms=3)
    for side in (made.blocks[0], made.blocks[-1], made.blocks[:, :, 0], made.blocks[:, :, -1], made.blocks[:, -1]):
        assert (side != AIR).all()


@pytest.mark.parametrize("rooms", [1, 9])
def test_sizes_not_offered_are_named(rooms):
    with pytest.raises(WorldsimError, match=f"got rooms={rooms}"):
        maze.generate(0, rooms=rooms)
