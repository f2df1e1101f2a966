"""The voxel games' vector form: frames a second of many worlds on one core and on all, in turns; see envs.py."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from typing import Any

import gymnasium
import numba
import numpy as np
from machine import rate

from worldsim.core.seeding import stream

WORLDS = 32
STEPS = 4  # steps of all worlds between looks at the clock


def player(env: gymnasium.vector.VectorEnv, threads: int) -> Callable[[], int]:
    """Steps all worlds under random buttons and turns of up to 15 degrees, on so many cores."""
    rng = stream(0, "benchmark", "vector")
    spaces = env.action_space.spaces  # type: ignore[attr-defined]
    actions = [
        {name: rng.integers(0, 2, WORLDS) for name in spaces}
        | {"camera": rng.uniform(-15, 15, (WORLDS, 2)).astype(np.float32)}
        for _ in range(STEPS)
    ]

    def work() -> int:
        numba.set_num_threads(threads)
        for action in actions:
            env.step(action)
        return STEPS * WORLDS

    return work


def measure_vector(seconds: float, names: tuple[str, ...] = ("voxel/arena", "voxel/terrain"), repeats: int = 5):
    """Rows for the table of envs.py: the rate on all cores, that on one beside it, and the ratio of the two.

    Where the machine is busy, ``core_ratio`` is the honest figure: what all cores do in a second of CPU time against
    what one does. On an idle machine the ratio is that times the number of cores.
    """
    threads = numba.config.NUMBA_NUM_THREADS
    rows: list[dict[str, Any]] = []
    for name in names:
        env = gymnasium.make_vec(name, num_envs=WORLDS, vectorization_mode="vector_entry_point")
        env.reset(seed=0)
        all_cores, one_core = player(env, threads), player(env, 1)
        all_cores()
        one_core()
        turns = [
            (rate(all_cores, seconds / 2 / repeats, 1), rate(one_core, seconds / 2 / repeats, 1))
            for _ in range(repeats)
        ]
        env.close()
        rows.append(
            {
                "game": name,
                "size": "64x64",
                "what": f"{WORLDS} worlds, frame + depth, ids; {threads} cores beside one",
                "fps": median(a.wall[0] for a, _ in turns),
                "fps_cpu": median(a.cpu[0] for a, _ in turns),
                "bare_fps": median(b.wall[0] for _, b in turns),
                "ratio": median(a.wall[0] / b.wall[0] for a, b in turns),
                "core_ratio": median(a.cpu[0] / b.cpu[0] for a, b in turns),
                "cores": threads,
            }
        )
    return rows
