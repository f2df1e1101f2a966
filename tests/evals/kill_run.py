"""Run as a script by the kill test: ``python kill_run.py OUT CACHE``."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import tiny_game

from evals.run import evaluate

if __name__ == "__main__":
    tiny_game.register()
    out, cache, sleep_s = sys.argv[1:]
    evaluate(
        [(tiny_game.Noisy(sleep_s=float(sleep_s)), "model")],
        ["control", "drift"],
        [(tiny_game.ENV_ID, {})],
        out,
        limit=12,
        overrides={"drift": {"horizon": 8, "independent_episodes": 2}},
        videos=1,
        batch=4,
        cache=cache,
    )
