"""Frames a second of the games on one core: voxel, physics; Doom and Atari through our wrappers beside bare engines.

    python benchmarks/envs.py [--seconds 4] [--json figures.json] [--any-core]

The ratios are the honest figures: wrapper and bare loop draw the same screen, take the same actions and are measured
in turns in the same process, so a busy machine slows both.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
from collections.abc import Callable
from statistics import median
from typing import Any

import cv2
import gymnasium
from machine import gemm_peaks, paired_rates, print_table, rate, write_json
from voxel_vector import measure_vector

from worldsim.core.actions import ActionCodec
from worldsim.core.games import make_game
from worldsim.core.seeding import stream
from worldsim.core.siblings import import_ours

registration = import_ours("envs.registration")  # this file is called envs too

STEPS = 64  # steps between looks at the clock
SEEDS = 16  # episodes before the first one comes again
# A maze, health, monsters and a weapon, rooms of our own.
DOOM = ("doom/my_way_home", "doom/health_gathering", "doom/defend_the_center", "doom/rooms")
VOXEL_SIZES = ((64, 64), (128, 128))
VOXEL_MAPS = ("arena", "gallery", "stage", "terrain", "maze")


def random_vectors(codec: ActionCodec, count: int, seed: int = 0) -> list[Any]:
    """Channel vectors of a player who presses half of the buttons, turns by up to 15 degrees and pushes as it comes."""
    rng = stream(seed, "benchmark")
    vectors = []
    for _ in range(count):
        vec = codec.vector()
        for i, channel in enumerate(codec.channels):
            low, high = max(channel.low, -15), min(channel.high, 15)
            vec[i] = rng.integers(2) if channel.kind == "binary" else rng.uniform(low, high)
        vectors.append(vec)
    return vectors


def player(env: gymnasium.Env, with_truth: bool) -> Callable[[], int]:
    """Steps a game under random actions, starting anew where an episode ends."""
    codec = ActionCodec.from_space(env.action_space)
    actions = [codec.decode(vec) for vec in random_vectors(codec, STEPS)]
    seed = 0
    env.reset(seed=seed)

    def work() -> int:
        nonlocal seed
        for action in actions:
            _, _, terminated, truncated, _ = env.step(action)
            if with_truth:
                env.unwrapped.ground_truth()  # type: ignore[attr-defined]
            if terminated or truncated:
                seed = (seed + 1) % SEEDS
                env.reset(seed=seed)
        return STEPS

    return work


def bare_doom(env: Any) -> tuple[Callable[[], int], Any]:
    """The episodes of ``player`` at the same engine settings and screen, without the wrapper: get_state and its screen.

    The levels of rooms of our own are made beforehand, so that making them counts as a cost of the wrapper.
    """
    doom = import_ours("envs.doom.game")
    levels = [env.level_file(seed) for seed in range(SEEDS)] if env.scenario.room else []
    game, stop = doom.start_game(
        env.scenario, doom.choose_screen(env.height, env.width), level=next(iter(levels), None)
    )
    codec = ActionCodec.from_space(env.action_space)
    keys = [codec.index(name) for name in ("forward", "back", "left", "right")]
    turn = codec.index("camera_yaw_right_deg")
    others = [codec.index(name) for name in env.scenario.keys]
    buttons = [
        [*map(float, vec[keys]), float(vec[turn]) / doom.TICS_PER_STEP, *map(float, vec[others])]
        for vec in random_vectors(codec, STEPS)
    ]
    steps, seed = 0, 0

    def start() -> None:
        if levels:
            with open(doom.room_file(game), "r+b") as file:
                file.write(levels[seed])
        game.set_seed(seed)
        game.new_episode()

    def work() -> int:
        nonlocal steps, seed
        for pressed in buttons:
            game.make_action(pressed, doom.TICS_PER_STEP)
            state = game.get_state()
            if state is not None:
                _ = state.screen_buffer
            steps += 1
            if state is None or steps >= env.max_steps:
                steps, seed = 0, (seed + 1) % SEEDS
                start()
        return STEPS

    start()
    return work, stop


def measure_voxel(seconds: float) -> list[dict[str, Any]]:
    """The arena at both sizes and with and without ground truth; the other maps with it, at the first size."""
    results = []
    for name in VOXEL_MAPS:
        for height, width in VOXEL_SIZES if name == "arena" else VOXEL_SIZES[:1]:
            for with_truth in (False, True) if name == "arena" else (True,):
                env = gymnasium.make(f"voxel/{name}", height=height, width=width, disable_env_checker=True)
                rates = rate(player(env, with_truth), seconds if name == "arena" else seconds / 2)
                env.close()
                what = "frame + depth, ids, camera, objects" if with_truth else "frame"
                row = {"game": f"voxel/{name}", "size": f"{height}x{width}", "what": what}
                results.append({**row, "fps": median(rates.wall), "fps_cpu": median(rates.cpu), "repeats": vars(rates)})
    return results


def measure_physics(name: str, seconds: float) -> list[dict[str, Any]]:
    env = gymnasium.make(name, disable_env_checker=True)
    rates = rate(player(env, with_truth=True), seconds)
    row = {"game": name, "size": f"{env.unwrapped.height}x{env.unwrapped.width}"}  # type: ignore[attr-defined]
    env.close()
    what = "frame + depth, ids, camera, objects"
    return [{**row, "what": what, "fps": median(rates.wall), "fps_cpu": median(rates.cpu), "repeats": vars(rates)}]


def measure_doom(name: str, seconds: float) -> list[dict[str, Any]]:
    env = gymnasium.make(name, disable_env_checker=True)
    work, close = bare_doom(env.unwrapped)
    wrapped = player(env, with_truth=False)
    pair = paired_rates(wrapped, work, seconds)
    close()
    truth = rate(player(env, with_truth=True), seconds / 2)
    size = "x".join(map(str, env.observation_space.shape[:2]))  # type: ignore[index]
    env.close()
    row = {"game": name, "size": size}
    return [
        {**row, "what": "frame", "fps": pair.pop("first"), "bare_fps": pair.pop("second"), **pair},
        {**row, "what": "frame + depth, ids, camera, objects", "fps": median(truth.wall), "repeats": truth.wall},
    ]


def bare_ale(env: Any) -> Callable[[], int]:
    """The same console, cartridge, actions, seeds and picture size as ``env``, without Gymnasium and the adapter."""
    import ale_py

    inner = env.game.unwrapped
    ale = ale_py.ALEInterface()
    ale.setFloat("repeat_action_probability", 0.25)
    rom = ale_py.roms.get_rom_path(inner._game)
    codec = ActionCodec.from_space(env.action_space)
    actions = [inner._action_set[codec.decode(vec)] for vec in random_vectors(codec, STEPS)]
    own_size = inner.ale.getScreenDims() == (env.height, env.width)
    seed = 0

    def start() -> None:
        ale.setInt("random_seed", seed)
        ale.loadROM(rom)
        ale.reset_game()

    def work() -> int:
        nonlocal seed
        for action in actions:
            for _ in range(inner._frameskip):
                ale.act(action)
            picture = ale.getScreenRGB()
            if not own_size:
                cv2.resize(picture, (env.width, env.height), interpolation=cv2.INTER_AREA)
            if ale.game_over():
                seed += 1
                start()
        return STEPS

    start()
    return work


def measure_ale(seconds: float, game: str = "gym:ALE/Breakout-v5") -> list[dict[str, Any]]:
    results = []
    for size in (None, 64):
        env = make_game(game, height=size, width=size, disable_env_checker=True)
        wrapped, bare = player(env, with_truth=False), bare_ale(env.unwrapped)
        pair = paired_rates(wrapped, bare, seconds)
        row = {"game": game, "size": "x".join(map(str, env.observation_space.shape[:2])), "what": "frame"}
        results.append({**row, "fps": pair.pop("first"), "bare_fps": pair.pop("second"), **pair})
        env.close()
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=4.0, help="measuring time of each row (default 4)")
    parser.add_argument("--json", metavar="FILE", help="write the figures here as well")
    parser.add_argument("--any-core", action="store_true", help="do not pin this process and the engine to one core")
    args = parser.parse_args()
    peaks = gemm_peaks(seconds=1.0)
    vector_rows = measure_vector(args.seconds)  # before this process is bound to one core
    pinned = not args.any_core and hasattr(os, "sched_setaffinity")
    if pinned:
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    results = measure_voxel(args.seconds)
    for entry in registration.GAMES:
        family = entry.name.partition("/")[0]
        if entry.name in DOOM or family == "physics":
            if registration.missing_dependency(entry):
                print(f"{entry.name}: not measured, {registration.missing_dependency(entry)} is not installed")
                continue
            measure = measure_doom if family == "doom" else measure_physics
            results += measure(entry.name, args.seconds / (1 if family == "doom" else 4))
    if importlib.util.find_spec("ale_py"):
        results += measure_ale(args.seconds)
    else:
        print("gym:ALE/Breakout-v5: not measured, ale_py is not installed")
    results += vector_rows
    rows = [
        [r["game"], r["size"], r["what"], r["fps"], r.get("fps_cpu"), r.get("bare_fps"), r.get("ratio")]
        for r in results
    ]  # fmt: skip
    print_table(["game", "size", "each step gives", "frames/s", "per CPU second", "bare engine", "ratio"], rows)
    where = "one core (pinned, engine included)" if pinned else "any core"
    print(
        f"\nRandom actions, resets included, medians of 5 repeats, {where}. A doom frame is 4 tics.\n"
        "Per CPU second: what an idle core would do; not known for doom, whose engine is another process.\n"
        "Many worlds at once: on all cores; the bare engine beside it is the same on one core.\n"
        f"GEMM peak of this machine, all threads: {peaks['float32']:.0f} GFLOP/s float32, "
        f"{peaks['bfloat16']:.0f} bfloat16; load {os.getloadavg()[0]:.1f}."
    )
    if args.json:
        settings = {"seconds": args.seconds, "pinned_to_one_core": pinned, "gemm_gflops": peaks}
        write_json(args.json, "envs", results, settings)


if __name__ == "__main__":
    main()
