"""How much of an evaluation is the model, and how much the harness and the games around it.

    python benchmarks/eval.py [--checkpoint voxel-base] [--suites control drift] [--limit 32] [--json FILE]

Each suite is run twice: with an empty cache, so that the real game and the controls, which are simulators too, are
played as well, and once more as for the next simulator, when these are there. What neither a model nor a control did
is overhead: the real game, finding scenarios in it, the models' metrics, files and videos.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

from machine import print_table, write_json

from worldsim.core.records import read_json
from worldsim.core.siblings import import_ours
from worldsim.simulators import load

MOST_OVERHEAD = 0.15  # of the total
PARTS = ("model_s", "control_s", "game_s", "harness_s")


def measure(checkpoint: str, suite: str, limit: int, folder: Path) -> dict[str, Any]:
    """Seconds of a cold and of a warm run."""
    evaluate = import_ours("evals.run").evaluate  # the envs.py beside this file is not the package
    simulator = load(checkpoint)
    found = {}
    for name in ("cold", "warm"):
        out = folder / f"{suite}-{name}"
        evaluate([(simulator, "model")], [suite], None, out, limit, cache=folder / "real")
        record = read_json(out / "record.json")
        found[name] = {"total_s": record["wall_s"], **{key: record[key] for key in PARTS}}
        found[name]["overhead"] = (record["game_s"] + record["harness_s"]) / record["wall_s"]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--checkpoint", default="voxel-base")
    parser.add_argument("--suites", nargs="+", default=["control", "drift"])
    parser.add_argument("--limit", type=int, default=64)
    parser.add_argument("--json", metavar="FILE", help="write the figures here as well")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        results = {suite: measure(args.checkpoint, suite, args.limit, Path(folder)) for suite in args.suites}
    lines = [
        [
            suite,
            cache,
            *(f"{run[key]:.1f}" for key in ("total_s", *PARTS)),
            f"{run['overhead']:.0%}",
        ]
        for suite, runs in results.items()
        for cache, run in runs.items()
    ]
    print(f"{args.checkpoint}, {args.limit} scenarios of each suite")
    print_table(["suite", "cache", "total s", "models", "controls", "games", "harness", "overhead"], lines)
    for cache in ("cold", "warm"):
        runs = [by_cache[cache] for by_cache in results.values()]
        share = sum(run["overhead"] * run["total_s"] for run in runs) / sum(run["total_s"] for run in runs)
        verdict = "within" if share <= MOST_OVERHEAD else "ABOVE"
        print(f"{cache}: overhead {share:.1%} of all, {verdict} {MOST_OVERHEAD:.0%}")
    if args.json:
        write_json(args.json, "eval", results, vars(args))


if __name__ == "__main__":
    main()
