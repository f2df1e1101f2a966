"""Seeds and reset masks of vector environments."""

import numpy as np
import pytest

from worldsim.core.errors import WorldsimError
from worldsim.core.slots import marked_slots, seeds_of_slots


def test_one_seed_counts_up_and_a_list_is_taken_as_it_is():
    assert seeds_of_slots(7, 3, "worlds") == [7, 8, 9]
    assert seeds_of_slots(np.int64(7), 2, "worlds") == [7, 8]
    assert seeds_of_slots(None, 2, "worlds") == [None, None]
    assert seeds_of_slots((5, None), 2, "worlds") == [5, None]
    with pytest.raises(WorldsimError, match=r"1 seeds for 2 dreams; pass one each, or a single number\."):
        seeds_of_slots([5], 2, "dreams")


def test_a_mask_marks_slots_and_none_marks_all():
    assert marked_slots(None, 3) == [0, 1, 2]
    assert marked_slots([False, True, True], 3) == [1, 2]


@pytest.mark.parametrize("mask", [[True], [[True, False]], [1, 0], [False, False], True])
def test_a_mask_of_another_kind_is_refused(mask):
    with pytest.raises(WorldsimError, match="reset_mask must be 2 booleans, at least one of them True; got"):
        marked_slots(mask, 2)
