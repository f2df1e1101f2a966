"""Named random streams: golden values, because stored episodes and scenarios are made from them."""

from __future__ import annotations

import numpy as np

from worldsim.core.seeding import derive_seed, game_seed, stream


def test_seeds_are_the_same_on_every_platform_and_in_every_version():
    assert derive_seed(0) == 2631537505891389924
    assert derive_seed(7, "noise", 3) == 8834742572582562448
    assert game_seed(0, "test", 12) == 209311245
    np.testing.assert_array_equal(stream(7, "noise").integers(1000, size=4), [748, 105, 476, 511])


def test_streams_are_told_apart_by_root_name_and_order():
    seeds = [derive_seed(*key) for key in [(0,), (1,), (0, "a"), (0, "a", "b"), (0, "b", "a"), (0, "ab"), (0, "a", 1)]]
    assert len(set(seeds)) == len(seeds)
    assert derive_seed(0, "a", 1) == derive_seed(np.int64(0), "a", "1")


def test_seeds_fit_where_they_go():
    many = [derive_seed(root, "range") for root in range(1000)]
    assert all(0 <= seed < 2**63 for seed in many)
    assert max(many) > 2**62
    assert all(0 <= game_seed(0, "train", index) < 2**31 for index in range(1000))


def test_splits_do_not_share_seeds():
    splits = [{game_seed(0, split, index) for index in range(2000)} for split in ("train", "val", "test")]
    assert not splits[0] & splits[1] | splits[0] & splits[2] | splits[1] & splits[2]
