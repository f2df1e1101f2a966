"""What a recorded table holds, in numbers: for ``worldsim data info``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from worldsim.data.store import EpisodeTable


def summarize(table: EpisodeTable) -> dict[str, Any]:
    """Plain data: origin, counts, sizes, actions by channel, rewards, endings, captions."""
    index, info = table.episodes, table.info
    actions, rewards, _ = table.read_steps()
    steps = np.ones(len(rewards), bool)
    steps[index.offsets + index.lengths - 1] = False  # the last frame of an episode has no action
    returns = np.add.reduceat(np.where(steps, rewards, 0.0), index.offsets)
    frames = int(index.lengths.sum())
    ended = index.terminated | index.truncated
    return {
        "table": table.path,
        "game": table.env_id,
        "game settings": info.env_kwargs,
        "policy": info.policy or f"imported from {info.source}",
        "split": info.split,
        "seed": info.seed,
        "episodes": len(table),
        "frames": frames,
        "seconds": round(frames / table.fps, 1) if table.fps else None,
        "fps": table.fps,
        "frame sizes": sorted({f"{height}x{width}" for height, width in index.sizes.tolist()}),
        "frames an episode": _spread(index.lengths),
        "bytes on disk": _bytes_on_disk(table.path),
        "bytes a frame": round(_bytes_on_disk(table.path) / frames) if "://" not in table.path else None,
        "return an episode": _spread(returns),
        "steps with reward": int(np.count_nonzero(rewards[steps])),
        "endings": {
            "terminated": int(index.terminated.sum()),
            "truncated": int((index.truncated & ~index.terminated).sum()),
            "neither": int((~ended).sum()),
        },
        "camera and objects": info.truth,
        "captions": {
            f"{captioner} v{version}": len(table.captions(captioner, version))
            for captioner, version in table.captioners
        },
        "actions": [
            {
                "channel": name,
                "mean": float(column.mean()),
                "std": float(column.std()),
                "min": float(column.min()),
                "max": float(column.max()),
                "used": float(np.mean(column != 0)),
            }
            for name, column in zip(table.codec.names, actions[steps].T, strict=True)
            if len(column)
        ],
    }


def _spread(values: np.ndarray) -> dict[str, float]:
    return {name: round(float(getattr(values, name)()), 4) for name in ("min", "mean", "max")}


def _bytes_on_disk(path: str) -> int:
    return 0 if "://" in path else sum(file.stat().st_size for file in Path(path).rglob("*") if file.is_file())
