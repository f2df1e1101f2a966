"""A roll-out with the real game in the simulator's place: both halves of the video are then the same."""

from __future__ import annotations

import numpy as np
import pytest

from evals.controls.last_frame import LastFrame
from evals.controls.oracle import Oracle
from evals.games import RealGames
from worldsim.cli.commands.rollout import VIDEO_SCALE, RolloutConfig, roll
from worldsim.core.errors import WorldsimError
from worldsim.core.records import RunRecord, read_rows
from worldsim.core.video import read_video


def config(out, **changes) -> RolloutConfig:
    few = {"env": "voxel/arena", "policy": "sticky", "episodes": 2, "frames": 6, "context": 3}
    return RolloutConfig(simulator="oracle", out=str(out), **{**few, **changes})


def test_the_oracle_stands_beside_itself(tmp_path):
    games = RealGames()
    rows = roll(Oracle(games), config(tmp_path))
    games.close()
    assert [row["frames"] for row in rows] == [6, 6]
    assert all(row["real_return"] == pytest.approx(row["dream_return"]) for row in rows)
    assert all(row["psnr@1"] == row["psnr@4"] == 100 for row in rows)
    assert read_rows(tmp_path / "rows.jsonl") == rows
    assert RunRecord.read(tmp_path).kind == "rollout"
    frames, fps = read_video(tmp_path / rows[0]["video"])
    assert frames.shape == (3 + 6, 64 * VIDEO_SCALE, 2 * 64 * VIDEO_SCALE, 3)
    assert fps == 20
    left, right = np.split(frames.astype(int), 2, axis=2)
    assert np.abs(left - right).mean() < 2


def test_a_dream_that_stands_still_has_the_returns_of_the_game_beside_it(tmp_path):
    rows = roll(LastFrame(), config(tmp_path, frames=8))
    assert all(row["psnr@8"] < 40 and row["dream_return"] == 0 for row in rows)


def test_a_simulator_without_a_game_asks_for_one(tmp_path):
    with pytest.raises(WorldsimError, match="give env="):
        roll(LastFrame(), config(tmp_path, env=None))
