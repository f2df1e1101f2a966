"""What packing and dropping save: useful tokens a second against padded clips, and steps without repeated tokens.

    python benchmarks/packing.py [--seconds 20] [--tables data/scene-64.lance ...] [--json FILE]

Packed against padded: the same joint clips of several sizes and durations through forward and backward passes of the
base network, once as one sequence, once each padded to the largest size and the longest duration among them; only
their own tokens count. Dropping: streaming and joint clips of recordings with and without the tokens that changed less
than a threshold from one frame to the next (root mean square of the latents, whose own is about 1).
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
import torch
from machine import paired_rates, print_table, write_json

from worldsim.core.seeding import stream
from worldsim.data.clips import ClipReader
from worldsim.data.collect import collect
from worldsim.data.store import EpisodeTable
from worldsim.models.autoencoders import load_autoencoder
from worldsim.models.clips import JointClips
from worldsim.models.dit import DiT, DiTConfig
from worldsim.training.memory import keep_freed_memory
from worldsim.training.objective import (
    Batch,
    ObjectiveConfig,
    changed_tokens,
    joint_clips,
    joint_loss,
    stream_clips,
    stream_loss,
)
from worldsim.training.table_latents import encode_clips

CHECKPOINT = Path(__file__).parents[1] / "worldsim/checkpoints/voxel-text"  # whose latents are of the size below
ACTION_CHANNELS = 14  # as voxel/arena
SIZES = ((8, 8), (12, 8), (8, 14), (16, 16))  # latents of 64x64, 96x64, 64x112 and 128x128 pixels
FRAMES = (2, 13)  # least and most
GROUPS = 4
TOKENS = 1600  # a pack, about
THRESHOLDS = (0.1, 0.2, 0.3, 0.5)
DTYPE = torch.bfloat16


def base_network() -> DiT:
    torch.manual_seed(0)
    return DiT(DiTConfig(ACTION_CHANNELS, joint=True)).train()


# -- packed against padded --------------------------------------------------------------------------------------------


def draw_pack(step: int) -> list[tuple[int, int, int, int]]:
    """(clips, frames, h, w) of each group, which share the tokens as in ``ClipMixture``."""
    rng, left, groups = stream(0, "packing", step), TOKENS, []
    for number in range(GROUPS):
        h, w = SIZES[int(rng.integers(len(SIZES)))]
        frames = int(rng.integers(FRAMES[0], FRAMES[1] + 1))
        clips = max(1, round(left / (GROUPS - number) / tokens_of((1, frames, h, w))))
        groups.append((clips, frames, h, w))
        left -= tokens_of(groups[-1])
    return groups


def tokens_of(group: tuple[int, int, int, int]) -> int:
    clips, frames, h, w = group
    return clips * frames * h * w // 4


def padded(pack: list[tuple[int, int, int, int]]) -> list[tuple[int, int, int, int]]:
    """The same clips in one group of the largest sides and the longest duration."""
    return [(sum(group[0] for group in pack), *(max(group[i] for group in pack) for i in (1, 2, 3)))]


def make_clips(model: DiT, groups: list[tuple[int, int, int, int]]) -> list[JointClips]:
    channels = model.config.latent_channels
    return [
        JointClips(
            torch.randn(clips, frames, channels, h, w, dtype=DTYPE), torch.rand(clips, frames),
            torch.zeros(clips, frames, dtype=torch.bool), torch.zeros(clips, frames - 1, ACTION_CHANNELS),
            torch.ones(clips, frames - 1),
        )
        for clips, frames, h, w in groups
    ]  # fmt: skip


def packed_against_padded(model: DiT, seconds: float, packs: int = 4) -> dict[str, float]:
    drawn = [draw_pack(step) for step in range(packs)]
    ways = [[make_clips(model, groups) for groups in way] for way in (drawn, [padded(pack) for pack in drawn])]
    useful = [sum(map(tokens_of, pack)) for pack in drawn]
    turns = [0, 0]

    def step(way: int) -> int:
        number = turns[way] % packs
        turns[way] += 1
        model.zero_grad()
        sum(output.latent.float().square().mean() for output in model.run(ways[way][number])).backward()
        return useful[number]

    rates = paired_rates(lambda: step(0), lambda: step(1), seconds, repeats=3)
    return {
        "useful_tokens": float(sum(useful)),
        "padded_tokens": float(sum(tokens_of(padded(pack)[0]) for pack in drawn)),
        "packed_tokens_per_s": rates["first"],
        "padded_tokens_per_s": rates["second"],
        "ratio": rates["ratio"],
    }


# -- dropping ---------------------------------------------------------------------------------------------------------


def batches(table: EpisodeTable, frames: int, clips: int, count: int = 3) -> list[Batch]:
    reader = ClipReader([table], frames, clips, 0)
    autoencoder, scale = load_autoencoder(CHECKPOINT), torch.from_numpy(table.codec.scale)
    made = []
    for step in range(count):
        drawn = reader.batch(step)
        actions_BSA, rewards_BS = torch.from_numpy(drawn.actions) / scale, torch.from_numpy(drawn.rewards)
        ended_BS, valid_BS = (torch.from_numpy(column).float() for column in (drawn.terminated, drawn.valid))
        made.append(Batch(encode_clips(autoencoder, drawn, torch.float32), actions_BSA, rewards_BS, ended_BS, valid_BS))
    return made


def step_with(model: DiT, batch: Batch, joint: bool, least: float) -> None:
    """Forward and backward pass of a batch, without the tokens that change less than ``least``."""
    generator, patch = torch.Generator().manual_seed(0), model.config.patch
    config = ObjectiveConfig(drop_repeated=least)
    model.zero_grad()
    if joint:
        together = joint_clips(model, config, batch, DTYPE, generator)
        loss = joint_loss(batch, together, model.joint(together), patch)
    else:
        clips, goal_BSChw = stream_clips(model, config, batch, DTYPE, generator)
        loss = stream_loss(config, batch, clips, goal_BSChw, model.run([clips])[0], patch)[0]
    loss.backward()


def dropping(model: DiT, table: EpisodeTable, joint: bool, seconds: float) -> list[dict[str, float]]:
    """For each threshold the share of tokens that repeat, and how much faster a step is without them."""
    made = batches(table, 13 if joint else 14, 6 if joint else 3)
    rows = []
    for least in THRESHOLDS:
        turns = [0, 0]

        def step(way: int, turns=turns, least=least) -> int:
            batch = made[turns[way] % len(made)]
            turns[way] += 1
            step_with(model, batch, joint, least if way == 0 else 0.0)
            return 1

        rates = paired_rates(lambda: step(0), lambda: step(1), seconds / len(THRESHOLDS), repeats=3)
        kept = [changed_tokens(batch.x_BTChw, model.config.patch, least)[:, 1:].float().mean() for batch in made]
        rows.append({"threshold": least, "repeated": 1 - float(np.mean(kept)), "speed_up": rates["ratio"]})
    return rows


def recorded(folder: Path) -> list[EpisodeTable]:
    """A few episodes of a game that moves much and of one where commands are carried out slowly."""
    games = {"voxel/arena": "envs.policies.explorer:make_explorer", "voxel/scene": "envs.policies.commander:Commander"}
    return [
        collect(game, policy, 4, folder / f"{game[6:]}.lance", max_steps=41, workers=1, progress=lambda line: None)
        for game, policy in games.items()
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=15.0, help="for each comparison")
    parser.add_argument("--tables", nargs="*", default=[], help="recordings to drop tokens of; none: records a few")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    keep_freed_memory()
    model = base_network()
    packing = packed_against_padded(model, args.seconds)
    print_table(list(packing), [list(packing.values())])
    drops = {}
    with tempfile.TemporaryDirectory() as folder:
        tables = [EpisodeTable.open(path) for path in args.tables] or recorded(Path(folder))
        for table in tables:
            for joint in (False, True):
                key = f"{Path(table.path).stem}, {'joint' if joint else 'streaming'}"
                drops[key] = dropping(model, table, joint, args.seconds)
    print_table(
        ["clips", "threshold", "repeated", "speed-up"],
        [[key, *row.values()] for key, rows in drops.items() for row in rows],
    )
    if args.json:
        write_json(args.json, "packing", {"packing": packing, "dropping": drops}, {"seconds": args.seconds})


if __name__ == "__main__":
    main()
