"""Run folders made from the real voxel game: the 'dreams' are its own frames, blurred and frozen to a chosen degree."""

import os

os.environ.setdefault("NUMBA_NUM_THREADS", "1")

from dataclasses import dataclass
from pathlib import Path

import cv2
import gymnasium
import numpy as np
import pytest

from worldsim.core.records import RunRecord, append_row, content_hash, write_json
from worldsim.core.statistics import bootstrap_mean, wilson_interval
from worldsim.core.video import write_video

CONTEXT, HORIZON = 8, 32
FAMILIES = ("yaw_small", "yaw_large", "walk", "attack")
GAME, FPS = "voxel/arena", 20.0


def play(seed: int, yaw_deg: float, steps: int) -> np.ndarray:
    """Frames (steps + 1, 64, 64, 3) of the real game: walk forward while turning."""
    env = gymnasium.make(GAME)
    obs, _ = env.reset(seed=seed)
    action = {name: np.zeros_like(space.sample()) for name, space in env.action_space.items()}
    action["forward"] = np.int64(1)
    action["camera"] = np.array([0.0, yaw_deg], np.float32)
    frames = [obs]
    for _ in range(steps):
        obs, *_ = env.step(action)
        frames.append(obs)
    env.close()
    return np.stack(frames)


@pytest.fixture(scope="session")
def episodes() -> dict[tuple[int, str], np.ndarray]:
    """Real frames by scenario number and branch; played once for all tests."""
    return {
        (seed, branch): play(seed, sign * 4.0, CONTEXT + HORIZON - 1)
        for seed in range(8)
        for branch, sign in (("a", 1), ("b", -1))
    }


def dream_of(real: np.ndarray, blur: float, seed: int) -> np.ndarray:
    """The real frames, from the context on ever more blurred and noisy: ``blur`` 0 is the game itself."""
    rng = np.random.default_rng(seed)
    dreamed = real.copy()
    for index in range(CONTEXT, len(real)):
        age = index - CONTEXT + 1
        soft = cv2.GaussianBlur(real[index], (0, 0), 0.01 + blur * age**0.5)
        noise = rng.normal(0, 6 * blur * age**0.5, soft.shape)
        dreamed[index] = np.clip(soft + noise, 0, 255).astype(np.uint8)
    return dreamed


def psnr(real: np.ndarray, dream: np.ndarray) -> np.ndarray:
    error = np.mean((real.astype(float) - dream) ** 2, axis=(1, 2, 3))
    with np.errstate(divide="ignore"):
        return np.minimum(100.0, 10 * np.log10(255**2 / error))


@dataclass
class Maker:
    """Writes run folders as worldsim eval does."""

    episodes: dict
    folder: Path

    def __call__(self, name="voxel-base", blur=0.45, flops=2e14, videos=4, extra=None, suites=("control", "drift")):
        folder = self.folder / name
        folder.mkdir(parents=True)
        simulators = [(name, "model", blur), ("oracle", "oracle", 0.0), ("oracle_vae", "ceiling", 0.06)]
        simulators += [("last_frame", "null", None), ("blurred_oracle", "null", 1.6)]
        rows = []
        for suite in suites:
            for simulator, role, amount in simulators:
                for number in range(8):
                    rows.append(self.row(folder, suite, simulator, role, amount, number, number < videos))
        model_rows = [row for row in rows if row["suite"] == suites[0] and row["role"] == "model"]
        model_rows[6] |= {"status": "unscored", "values": {}, "curves": {}, "reason": "the two real branches are equal"}
        model_rows[7] |= {"status": "failed", "values": {}, "curves": {}, "videos": {}, "reason": "out of memory"}
        for row in rows:
            append_row(folder / "rows.jsonl", row)
        record = RunRecord(
            kind="eval",
            name=name,
            config={"suite": list(suites), "simulator": name, "limit": 8, "steps": 4},
            config_as_typed=[f"simulator={name}", "suite=[control,drift]", "limit=8"],
            model={"checkpoint": name, "checkpoint_hash": content_hash(name), "params": 9500000, "train_flops": flops},
            seeds={"eval": 0},
            suites=dict.fromkeys(suites, 1),
            planned=16,
            completed=14,
            unscored=1,
            failed=1,
            started_utc="2026-11-20T10:00:00Z",
            finished_utc="2026-11-20T10:21:40Z",
            wall_s=1300.0,
        )
        record.write(folder)
        write_json(folder / "summary.json", {"schema": 1, "suites": [self.summary(rows, suite) for suite in suites]})
        return folder

    def row(self, folder, suite, simulator, role, blur, number, with_video):
        branches = ("a", "b") if suite == "control" else ("",)
        curves, videos = [], {}
        for branch in branches:
            real = self.episodes[number, branch or "a"]
            still = np.where(np.arange(len(real))[:, None, None, None] < CONTEXT, real, real[CONTEXT - 1])
            dream = still if blur is None else dream_of(real, blur, number)
            curves.append(psnr(real[CONTEXT:], dream[CONTEXT:]))
            if with_video and role != "oracle":
                for what, frames in (("real", real), ("dream", dream)):
                    label = f"{what}_{branch}" if branch else what
                    path = f"videos/{suite}-{simulator}-{number}-{label}.mp4"
                    write_video(folder / path, frames, FPS)
                    videos[label] = path
        curve = np.mean(curves, axis=0)
        right = 1.0 if role in ("oracle", "ceiling") else 0.5 if blur is None else float(blur < 1 and number != 3)
        primary = {"action_swap_2afc": right} if suite == "control" else {"horizon_frames": float((curve > 20).sum())}
        return {
            "schema": 1,
            "key": content_hash([folder.name, suite, simulator, number]),
            "suite": suite,
            "suite_version": 1,
            "game": GAME,
            "simulator": simulator,
            "role": role,
            "scenario": f"{GAME}/{number:04d}",
            "scenario_hash": content_hash([suite, GAME, number]),
            "family": FAMILIES[number % len(FAMILIES)] if suite == "control" else "",
            "seed": number,
            "status": "completed",
            "reason": "",
            "values": {**primary, "psnr@1": curve[0], "psnr@8": curve[7]},
            "reasons": {},
            "curves": {"psnr": curve},
            "videos": videos,
            "context_frames": CONTEXT,
            "wall_s": 1.5,
        }

    def summary(self, rows, suite):
        primary = "action_swap_2afc" if suite == "control" else "horizon_frames"
        found = {}
        for row in (row for row in rows if row["suite"] == suite):
            found.setdefault((row["simulator"], row["role"]), []).append(row)
        simulators = []
        for (simulator, role), mine in found.items():
            done = [row for row in mine if row["status"] == "completed"]
            metrics = {}
            for metric in (primary, "psnr@1", "psnr@8"):
                values = [row["values"][metric] for row in done]
                two_sided = metric == "action_swap_2afc"
                part = wilson_interval(sum(values), len(values)) if two_sided else bootstrap_mean(values)
                metrics[metric] = {**part._asdict(), "n": len(values)}
            counts = {
                status: sum(row["status"] == status for row in mine) for status in ("completed", "unscored", "failed")
            }
            score = bootstrap_mean([(row["values"][primary] - 0.5) * 2 for row in done])._asdict()
            shown = score if suite == "control" else None
            simulators.append(
                {"simulator": simulator, "role": role, "planned": 8, **counts, "metrics": metrics, "score": shown}
            )
        return {
            "suite": suite,
            "suite_version": 1,
            "game": GAME,
            "primary": primary,
            "higher_is_better": True,
            "valid": suite == "control",
            "valid_reason": "every control scores where it should"
            if suite == "control"
            else "the null last_frame scores 0.14, more than 0.1",
            "simulators": simulators,
        }


@pytest.fixture
def make_run(episodes, tmp_path) -> Maker:
    return Maker(episodes, tmp_path / "runs")
