from itertools import pairwise

import numpy as np

from envs.voxel import paths
from envs.voxel.kinds import BEDROCK, DOOR_ACROSS_X


def field():
    """A floor of stone with free space above, 9 x 8 x 9."""
    blocks = np.zeros((9, 8, 9), np.uint8)
    blocks[:, 0] = BEDROCK
    return blocks


def steps(blocks, start, goal):
    return len(paths.way(paths.search(blocks, paths.BLOCKING, *start), goal))


def test_shortest_ways_on_level_ground_and_around_a_wall():
    blocks = field()
    assert steps(blocks, (1, 1, 1), (7, 1, 1)) == 6
    blocks[4, 1:4, :7] = BEDROCK
    assert steps(blocks, (1, 1, 1), (7, 1, 1)) == 18
    way = paths.way(paths.search(blocks, paths.BLOCKING, 1, 1, 1), (7, 1, 1))
    assert way[-1] == (7, 1, 1)
    assert all(abs(a - b) + abs(c - d) == 1 for (a, _, c), (b, _, d) in pairwise(way))


def test_one_block_is_climbed_two_are_not_and_three_are_jumped_down():
    blocks = field()
    blocks[4, 1, :] = BEDROCK
    assert steps(blocks, (1, 1, 1), (7, 1, 1)) == 6
    blocks[4, 2, :] = BEDROCK
    assert steps(blocks, (1, 1, 1), (7, 1, 1)) == 0
    blocks[3, 1, 5] = BEDROCK  # a step to get up by
    assert steps(blocks, (1, 1, 1), (7, 1, 1)) > 6
    blocks[4, 3:5, :] = BEDROCK
    blocks[3, 1:4, 5] = BEDROCK
    assert steps(blocks, (4, 5, 4), (6, 1, 4)) == 0  # four down
    assert steps(blocks, (3, 4, 5), (1, 1, 5)) == 2  # three down


def test_low_ceilings_stop_a_jump_and_a_head():
    blocks = field()
    blocks[4, 1, :] = BEDROCK
    blocks[1:4, 3, :] = BEDROCK  # room to stand, none to jump
    assert steps(blocks, (1, 1, 1), (7, 1, 1)) == 0
    blocks = field()
    blocks[4, 2, :] = BEDROCK
    assert steps(blocks, (1, 1, 1), (7, 1, 1)) == 0


def test_doors_are_walked_through_and_borders_never_entered():
    blocks = field()
    blocks[4, 1:4, :] = BEDROCK
    blocks[4, 1:3, 3] = DOOR_ACROSS_X
    assert steps(blocks, (1, 1, 3), (7, 1, 3)) == 6
    assert paths.is_closed_door(DOOR_ACROSS_X)
    assert not paths.is_closed_door(BEDROCK)
    cells = paths.reachable(blocks, (1, 1, 3))
    assert cells[:, [0, 2]].min() == 1
    assert cells[:, [0, 2]].max() == 7


def test_straight_lines_need_room_for_the_shoulders():
    blocks = field()
    assert paths.straight(blocks, paths.BLOCKING, 1.5, 1, 1.5, 7.5, 6.5, 0.3)
    blocks[4, 1, 4] = BEDROCK
    assert not paths.straight(blocks, paths.BLOCKING, 1.5, 1, 1.5, 7.5, 6.5, 0.3)
    assert paths.straight(blocks, paths.BLOCKING, 1.5, 1, 3.69, 7.5, 3.69, 0.3)
    assert not paths.straight(blocks, paths.BLOCKING, 1.5, 1, 3.71, 7.5, 3.71, 0.3)
