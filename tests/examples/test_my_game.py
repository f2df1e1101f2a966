"""The example of a user's own game: short, keeps the contract, and works in every command, from any folder."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np

from envs.contract import check_game
from evals.controls.oracle import Oracle
from evals.games import RealGame, RealGames
from worldsim.cli.commands.rollout import RolloutConfig, roll
from worldsim.core.actions import ActionCodec
from worldsim.core.games import make_game
from worldsim.data.store import EpisodeTable

FILE = Path(__file__).parents[2] / "examples" / "my_game.py"
GAME = f"{FILE}:Rain"


def worldsim(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("worldsim")), *words]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True)


def test_it_is_a_page_and_shows_its_commands():
    text = FILE.read_text()
    assert len(text.splitlines()) < 80
    for command in ("worldsim check env=examples/my_game.py:Rain", "worldsim collect env=examples/my_game.py:Rain"):
        assert command in text


def test_it_keeps_the_contract():
    findings = {finding.rule: finding for finding in check_game(GAME, height=36, width=50)}
    assert [finding for finding in findings.values() if not finding.ok] == []
    assert findings["branches_are_exact"].message.startswith("snapshot")


def test_drops_that_are_caught_are_rewarded_and_three_that_are_lost_end_it():
    env = make_game(GAME)
    codec = ActionCodec.from_space(env.action_space)
    env.reset(seed=3)
    total, lost = 0.0, 0
    for _ in range(500):
        game = env.unwrapped
        landing = np.flatnonzero(game.drops[-1])
        beside = [column for column in landing if abs(column - game.bucket) > 1]
        _, reward, terminated, _, _ = env.step(codec.decode(codec.vector()))
        assert reward == len(landing) - len(beside)
        total, lost = total + reward, lost + len(beside)
        assert terminated == (lost >= 3)
        if terminated:
            break
    assert terminated
    assert lost >= 3


def test_the_two_commands_work_in_another_folder(tmp_path):
    (tmp_path / "games").mkdir()
    (tmp_path / "games" / "their_game.py").write_text(FILE.read_text())
    for game in ("games/their_game.py:Rain", "games.their_game:Rain"):
        checked = worldsim("check", f"env={game}", "rule=[seeds_reproduce,branches_are_exact]", cwd=tmp_path)
        assert checked.returncode == 0, checked.stdout + checked.stderr
    words = ("policy=random", "episodes=4", "max_steps=30", "workers=2", "out=rain.lance")
    collected = worldsim("collect", "env=games/their_game.py:Rain", *words, cwd=tmp_path)
    assert collected.returncode == 0, collected.stderr
    table = EpisodeTable.open(str(tmp_path / "rain.lance"))
    assert len(table) == 4
    # What was recorded in the worker processes is the game itself.
    episode = table.read_episode(2)
    env = make_game(GAME)
    frames = [env.reset(seed=episode.seed)[0]]
    codec = ActionCodec.from_space(env.action_space)
    frames += [env.step(codec.decode(action))[0] for action in episode.actions]
    np.testing.assert_array_equal(episode.frames, frames)


def test_a_wrong_class_is_named_on_the_command_line(tmp_path):
    done = worldsim("check", f"env={FILE}:Rian", cwd=tmp_path)
    assert done.returncode == 2
    assert "Did you mean 'Rain'?" in done.stderr
    assert "Traceback" not in done.stderr


def test_it_can_be_evaluated_and_rolled_out(tmp_path):
    game = RealGame(GAME, {})
    assert game.branches_exactly
    recording = game.record("sticky", 5, 6)
    branch = game.branch(5, recording.actions[:2], recording.actions[2:])
    np.testing.assert_array_equal(branch.frames, recording.frames[3:])
    game.close()
    games = RealGames()
    settings = {"env": GAME, "policy": "sticky", "episodes": 1, "frames": 4, "context": 2}
    rows = roll(Oracle(games), RolloutConfig(simulator="oracle", out=str(tmp_path / "out"), **settings))
    games.close()
    assert rows[0]["psnr@1"] == rows[0]["psnr@4"] == 100
