"""The instruments of the tasks, on the real game, where the answer is known, and on faults they have to find."""

import numpy as np
import pytest
from real_clips import scene_clip
from task_checks import (
    HUES,
    brightness,
    colour_share,
    greenness,
    is_seamless,
    junctions_match,
    keeps,
    layout_likeness,
    shifts_right_px,
    warmth,
)

SEEDS = range(3)


@pytest.mark.parametrize("seed", SEEDS)
def test_kept_frames_are_told_from_others(seed):
    real, other = scene_clip(seed, 3).frames, scene_clip(seed + 50, 3).frames
    rng = np.random.default_rng(seed)
    blurred = np.clip(real + rng.normal(0, 5, real.shape), 0, 255).astype(np.uint8)  # as an autoencoder would
    assert keeps(blurred, real, blurred)
    assert not keeps(other, real, blurred)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_seam_is_told_from_none(seed):
    turn = scene_clip(seed, 6, camera_yaw_right_deg=5).frames
    assert is_seamless(np.concatenate([turn, turn[-2:0:-1]]))  # there and back
    assert not is_seamless(turn)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_junction_is_told_from_a_cut(seed):
    turn = scene_clip(seed, 16, camera_yaw_right_deg=3).frames
    start, end = turn[:4], turn[13:]
    assert junctions_match(turn, [3, 12], [start, end])
    cut = np.concatenate([turn[:4], end])
    assert not junctions_match(cut, [3], [start, end])


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("time", ["day", "night"])
def test_the_direction_of_a_turn_is_seen(seed, time):
    for yaw_right_deg in (-6, 6):
        shifts = shifts_right_px(scene_clip(seed, 4, options={"time": time}, camera_yaw_right_deg=yaw_right_deg).frames)
        assert (np.sign(shifts) == -np.sign(yaw_right_deg)).all()
        assert (np.abs(shifts) > 3).all() and (np.abs(shifts) < 8).all()
    assert (shifts_right_px(scene_clip(seed, 2).frames) == 0).all()


@pytest.mark.parametrize("seed", SEEDS)
def test_night_falls_on_the_same_layout(seed):
    day, night = (
        scene_clip(seed, 2, options={"time": time}, camera_yaw_right_deg=5).frames for time in ("day", "night")
    )
    other = scene_clip(seed + 50, 2, options={"time": "night"}, camera_yaw_right_deg=5).frames
    assert brightness(night) < 0.5 * brightness(day)
    assert layout_likeness(day, night) > layout_likeness(day, other) + 0.15


def test_the_ground_tells_the_biome():
    def grounds(biome: str, measure) -> list[float]:
        return [measure(scene_clip(seed, 0, options={"biome": biome, "time": "day"}).frames) for seed in range(20, 26)]

    others = grounds("desert", greenness) + grounds("snow", greenness)
    assert min(grounds("meadow", greenness)) > max(others) + 0.03
    assert min(grounds("desert", warmth)) > max(grounds("snow", warmth)) + 0.03


@pytest.mark.parametrize("colour", HUES)
def test_the_colour_of_the_thing_is_seen(colour):
    for seed in SEEDS:
        shown = scene_clip(seed, 0, options={"colour": colour, "time": "day"}).frames
        shares = {name: colour_share(shown, name) for name in HUES}
        assert max(shares, key=shares.get) == colour
        assert shares[colour] > 3 * sorted(shares.values())[-2]
