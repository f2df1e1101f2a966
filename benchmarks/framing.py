"""Native against square-cropped training: is the subject whole in the frame?

    python benchmarks/framing.py truth   --out runs/framing     # replays recordings for the subject's pixels
    python benchmarks/framing.py train   --out runs/framing --view native
    python benchmarks/framing.py train   --out runs/framing --view crop
    python benchmarks/framing.py measure --out runs/framing

Both networks start from the same weights, see the same frames with the same captions, in as many tokens a step; the
one sees them whole (64x112), the other their middle square (64x64). They are trained on single frames (videos of one
frame). Where the subject is, is known from instance ids in recordings, and told by its colour in generated frames: how
often a pixel's colour was the subject's in other recordings, as the autoencoder shows them.

Legend: N frames, H and W sides in pixels, B images, C latent channels, h and w latent sides.
"""

from __future__ import annotations

import argparse
import re
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from machine import print_table
from numpy.typing import NDArray
from torch import Tensor

from worldsim.core.games import make_game
from worldsim.core.records import write_json
from worldsim.core.seeding import derive_seed, stream
from worldsim.core.types import Frames
from worldsim.data.captions import CaptionIndex
from worldsim.data.store import EpisodeTable
from worldsim.generate.sampler import JointTask, SamplerConfig, sample
from worldsim.models.attention import JOINT, TARGET
from worldsim.models.autoencoders import Autoencoder, load_autoencoder, to_signed, to_uint8
from worldsim.models.checkpoint import fill_weights, save_model
from worldsim.models.dit import DiT, DiTConfig, load_dit
from worldsim.models.flops import training_flops
from worldsim.models.layout import Part
from worldsim.models.text import TextConfig
from worldsim.text.vocabulary import Vocabulary
from worldsim.training.loop import Trainer
from worldsim.training.objective import Batch, joint_clips, joint_loss
from worldsim.training.simulator_config import SimulatorTrainConfig

BASE = Path("worldsim/checkpoints/voxel-base")
COLOURS = ("red", "blue", "orange", "purple", "cyan", "lime")
SHAPES = ("pillar", "cube", "wall", "arch")
PLACES = {"red": "a meadow", "blue": "a meadow", "orange": "a meadow", "purple": "a meadow", "cyan": "the snow",
          "lime": "a meadow"}  # fmt: skip
SUBJECT = re.compile(rf"\b({'|'.join(COLOURS)}) ({'|'.join(SHAPES)})\b")
LEAST_PIXELS = 12  # of a subject that is there
PATCHES = (LEAST_PIXELS, 80)  # pixels of the subject's colour that count as one in generated frames
EVERY = 4  # of the frames are trained on
TOKENS = 896  # a step
VIEWS = ("native", "crop")


def view(x_NHW: NDArray, name: str) -> NDArray:
    """Frames or masks (N, H, W, ...) as they are, or their middle squares."""
    height, width = x_NHW.shape[1:3]
    first = (width - height) // 2
    return x_NHW if name == "native" else x_NHW[:, :, first : first + height]


def state_of(mask_NHW: NDArray[np.bool_], least_pixels: int = LEAST_PIXELS) -> NDArray[np.int64]:
    """0: no subject, 1: cut by the border, 2: whole; for each mask (N,)."""
    border = mask_NHW[:, [0, -1]].any((1, 2)) | mask_NHW[:, :, [0, -1]].any((1, 2))
    return np.where(mask_NHW.sum((1, 2)) < least_pixels, 0, np.where(border, 1, 2))


# -- ground truth -----------------------------------------------------------------------------------------------------


def truth(table: EpisodeTable, out: Path, episodes: int, times: tuple[int, ...]) -> None:
    """The subject's pixels in some frames of the first recordings, by playing them again."""
    game = make_game(table.env_id, **table.info.env_kwargs).unwrapped
    masks, colours, hours, rows, owners = [], [], [], [], []
    for number in range(episodes):
        episode = table.read_episode(number)
        frame, _ = game.reset(seed=episode.seed)
        for t in range(max(times) + 1):
            if t in times:
                assert (frame == episode.frames[t]).all(), f"episode {number} does not replay"
                known = game.ground_truth()
                (subject,) = [one for one in known.objects if SUBJECT.search(one.cls.replace("_", " "))]
                masks.append(known.instance_ids == subject.id)
                colours.append(subject.cls.partition("_")[0])
                hours.append(known.scene["time"])
                rows.append(int(table.episodes.offsets[number]) + t)
                owners.append(number)
            if t < max(times):
                frame = game.step(table.codec.decode(episode.actions[t]))[0]
    out.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(out / "truth.npz", mask=masks, colour=colours, hour=hours, row=rows, episode=owners)


# -- training ---------------------------------------------------------------------------------------------------------


def train(table: EpisodeTable, out: Path, name: str, steps: int) -> None:
    """A network of one view, from the shipped streaming weights."""
    captions = [one for one in table.captions() if one.captioner == "scene"]
    rows = np.arange(0, int(table.episodes.lengths.sum()), EVERY)
    texts = CaptionIndex(captions).choose(rows, rows, stream(0, "framing", "captions").random(len(rows)))
    named = [i for i, text in enumerate(texts) if SUBJECT.search(text)]
    rows, texts = rows[named], [texts[i] for i in named]
    latents_NChw = _latents(load_autoencoder(BASE), view(table.read_frames(rows), name))
    h, w = latents_NChw.shape[-2:]
    batch = TOKENS // (h * w // 4)
    config = SimulatorTrainConfig(
        steps=steps, warmup=20, batch=batch, lr=1e-3, decay_share=0.5, ema=0.98, save_every=20, threads=1
    )
    words = Vocabulary.of_captions([one.text for one in captions]).words
    model_config = DiTConfig(len(table.codec), window=10, joint=True, text=TextConfig(width=128, words=words))
    torch.manual_seed(0)
    model = DiT(model_config)
    fill_weights(BASE / "dit.safetensors", model)
    with torch.no_grad():
        model.kind[JOINT].copy_(model.kind[TARGET])

    def loss(step: int) -> tuple[Tensor, dict[str, Tensor]]:
        picks = stream(0, "framing", "batch", step).integers(len(rows), size=batch)
        empty_B0 = torch.zeros(batch, 0)
        images = Batch(
            torch.from_numpy(latents_NChw[picks]).float()[:, None],
            torch.zeros(batch, 0, len(table.codec)), empty_B0, empty_B0, empty_B0, [texts[i] for i in picks],
        )  # fmt: skip
        generator = torch.Generator().manual_seed(derive_seed(0, "framing noise", step))
        clips = joint_clips(model, config, images, config.dtype, generator)
        return joint_loss(images, clips, model.joint(clips), model_config.patch), {}

    identity = {"recipe": "framing", "view": name, "data": table.content_key, "frames": len(rows)}
    flops = training_flops(model_config, Part(True, batch, 1, h // 2, w // 2))
    Trainer(model, config, out / name, loss, identity, flops).run()
    save_model(out / name / "dit.safetensors", model, asdict(model_config))


@torch.inference_mode()
def _latents(autoencoder: Autoencoder, frames: Frames) -> NDArray[np.float16]:
    parts = np.array_split(frames, max(1, len(frames) // 64))
    return np.concatenate([
        autoencoder.encode(to_signed(torch.from_numpy(np.ascontiguousarray(part)), torch.float32)).numpy()
        for part in parts
    ]).astype(np.float16)  # fmt: skip


@torch.inference_mode()
def _shown(autoencoder: Autoencoder, latents_NChw: Tensor) -> Frames:
    parts = latents_NChw.float().split(64)
    return np.concatenate([to_uint8(autoencoder.decode(part)).numpy() for part in parts])


# -- measuring --------------------------------------------------------------------------------------------------------


class ColourInstrument:
    """Which pixels are a subject of a colour, by how often that colour was one in frames whose ids are known."""

    def __init__(self, frames: Frames, mask_NHW: NDArray[np.bool_], colours: NDArray[np.str_], bins: int = 16):
        self.bins = bins
        index = self._bins(frames)
        away = np.bincount(index[~mask_NHW], minlength=bins**3) + 1.0
        self.odds = {
            colour: (np.bincount(index[colours == colour][mask_NHW[colours == colour]], minlength=bins**3)) / away
            for colour in COLOURS
        }

    def mask(self, frames: Frames, colours: NDArray[np.str_], least: float) -> NDArray[np.bool_]:
        """(N, H, W): the largest connected patch of pixels whose odds are ``least`` or more."""
        index = self._bins(frames)
        found = np.stack([self.odds[str(colour)][one] >= least for one, colour in zip(index, colours, strict=True)])
        return np.stack([_largest(one) for one in found])

    def _bins(self, frames: Frames) -> NDArray[np.int64]:
        level = (frames.astype(np.int64) * self.bins) // 256
        return (level[..., 0] * self.bins + level[..., 1]) * self.bins + level[..., 2]


def _largest(mask_HW: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The largest 4-connected patch of a mask."""
    label = np.where(mask_HW, np.arange(1, mask_HW.size + 1).reshape(mask_HW.shape), 0)
    while True:
        wide = np.pad(label, 1)
        around = np.stack([wide[1:-1, 1:-1], wide[:-2, 1:-1], wide[2:, 1:-1], wide[1:-1, :-2], wide[1:-1, 2:]])
        spread = np.where(mask_HW, around.max(0), 0)
        if (spread == label).all():
            break
        label = spread
    if not mask_HW.any():
        return mask_HW
    return label == np.bincount(label[mask_HW]).argmax()


def share(values: NDArray[np.bool_], groups: NDArray[np.int64]) -> list[float]:
    """A share in percent and its 95 % interval over groups, drawn anew 2,000 times."""
    rng = stream(0, "framing", "bootstrap")
    sums = np.array([(values[groups == g].sum(), (groups == g).sum()) for g in np.unique(groups)], float)
    draws = sums[rng.integers(len(sums), size=(2000, len(sums)))].sum(1)
    low, high = np.percentile(draws[:, 0] / draws[:, 1], [2.5, 97.5])
    return [round(100 * float(x), 1) for x in (values.mean(), low, high)]


def measure(table: EpisodeTable, out: Path, seeds: int, steps: int, guidance: float) -> dict:
    """Recordings from ids, the instrument on recordings, and generated frames."""
    known = np.load(out / "truth.npz")
    mask, colour, episode = known["mask"], known["colour"], known["episode"]
    there = mask.sum((1, 2)) >= LEAST_PIXELS
    results: dict = {"recordings": {"frames": int(there.sum()), "episodes": len(np.unique(episode[there]))}}
    for name in VIEWS:
        state = state_of(view(mask[there], name))
        results["recordings"][name] = {
            word: share(state == number, episode[there]) for number, word in enumerate(("gone", "cut", "whole"))
        }
    autoencoder = load_autoencoder(BASE)
    day = known["hour"] == "day"
    frames = table.read_frames(known["row"][day])
    shown = _shown(autoencoder, torch.from_numpy(_latents(autoencoder, frames)))
    fit, held = episode[day] % 2 == 0, episode[day] % 2 == 1
    instrument = ColourInstrument(shown[fit], mask[day][fit], colour[day][fit])
    true_fit = state_of(mask[day][fit])
    right = {
        least: (state_of(instrument.mask(shown[fit], colour[day][fit], least)) == true_fit).mean()
        for least in (0.25, 0.5, 1.0, 2.0, 4.0)
    }
    least = max(right, key=lambda one: right[one])
    results["instrument"] = {"odds": least}
    for name in VIEWS:
        truly = state_of(view(mask[day][held], name))
        told = state_of(instrument.mask(view(shown[held], name), colour[day][held], least))
        whole_of = lambda number, told=told, truly=truly: round(100 * float((told[truly == number] == 2).mean()), 1)  # noqa: E731
        results["instrument"][name] = {
            "frames": len(truly), "right": share(truly == told, episode[day][held]),
            "called whole, of whole": whole_of(2), "called whole, of cut": whole_of(1),
            "seen, of none": round(100 * float((told[truly == 0] > 0).mean()), 1) if (truly == 0).any() else None,
        }  # fmt: skip
    results["generated"] = {}
    prompts = [f"a {c} {s} in {PLACES[c]} by day".replace("a orange", "an orange") for c in COLOURS for s in SHAPES]
    asked = np.array([c for c in COLOURS for _ in SHAPES] * seeds)
    other = np.array([COLOURS[(COLOURS.index(c) + 3) % len(COLOURS)] for c in asked])
    group = np.tile(np.arange(len(prompts)), seeds)
    for model, width in (("native", 112), ("crop", 64), ("crop", 112)):
        made = _generate(
            load_dit(out / model / "dit.safetensors"), autoencoder, prompts * seeds, width, steps, guidance
        )
        found, others = (instrument.mask(made, colours, least) for colours in (asked, other))
        for pixels in PATCHES:
            state = state_of(found, pixels)
            seen = state > 0
            results["generated"][f"{model} at 64x{width}, {pixels} pixels"] = {
                "images": len(state), "subject's colour": share(seen, group),
                "another colour": share(state_of(others, pixels) > 0, group),
                "whole, of all": share(state == 2, group),
                "whole, of seen": share(state[seen] == 2, group[seen]) if seen.any() else None,
            }  # fmt: skip
        np.save(out / f"made-{model}-{width}.npy", made)
    return results


def _generate(
    dit: DiT, autoencoder: Autoencoder, prompts: list[str], width: int, steps: int, guidance: float
) -> Frames:
    dit = dit.to(torch.bfloat16)
    assert dit.text is not None
    dit.text.float()
    B, A = len(prompts), dit.config.action_channels
    made = []
    for part in range(0, B, 24):
        some = prompts[part : part + 24]
        n = len(some)
        task = JointTask(
            torch.zeros(n, 1, 16, 8, width // 8), torch.ones(n, 1), torch.zeros(n, 1, A), torch.zeros(n, 1),
            some, list(range(part, part + n)), False,
        )  # fmt: skip
        made.append(sample(dit, task, SamplerConfig(steps=steps, guidance=guidance), 0.1, lambda: None)[:, 0])
    return _shown(autoencoder, torch.cat(made))


def show(results: dict) -> None:
    for part, found in results.items():
        rows = {key: row for key, row in found.items() if isinstance(row, dict)}
        print(part, {key: row for key, row in found.items() if key not in rows})
        if rows:
            names = list(next(iter(rows.values())))
            print_table(["", *names], [[key, *[row[name] for name in names]] for key, row in rows.items()])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stage", choices=("truth", "train", "measure"))
    parser.add_argument("--data", default="data/scene-112.lance", help="recordings of voxel/scene, 64x112")
    parser.add_argument("--out", type=Path, default=Path("runs/framing"))
    parser.add_argument("--view", choices=VIEWS, default="native")
    parser.add_argument("--steps", type=int, default=300, help="optimiser steps of train")
    parser.add_argument("--episodes", type=int, default=200, help="recordings that truth plays again")
    parser.add_argument("--seeds", type=int, default=4, help="images of each prompt")
    parser.add_argument("--guidance", type=float, default=3.0)
    settings = parser.parse_args()
    torch.set_num_threads(1)
    table = EpisodeTable.open(settings.data)
    if settings.stage == "truth":
        truth(table, settings.out, min(settings.episodes, len(table)), tuple(range(0, 41, 8)))
    elif settings.stage == "train":
        train(table, settings.out, settings.view, settings.steps)
    else:
        results = measure(table, settings.out, settings.seeds, 12, settings.guidance)
        write_json(settings.out / "framing.json", results)
        show(results)


if __name__ == "__main__":
    main()
