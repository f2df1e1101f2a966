"""From a training run to a checkpoint that ships: small weights, a model card and the training record.

python -m worldsim.training.pack runs/voxel-vae runs/voxel-base worldsim/checkpoints/voxel-base

A simulator trained in several stages is named by all its runs, in order; the first may be a packed checkpoint whose
training went on. The last may be a run of recipe=heads on what was packed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from worldsim.core.errors import WorldsimError
from worldsim.core.records import RunRecord, read_json, read_rows, write_atomic, write_json
from worldsim.models.autoencoders import Autoencoder, load_autoencoder, save_autoencoder
from worldsim.models.checkpoint import as_stored, save_model
from worldsim.models.dit import load_dit
from worldsim.text.style import CaptionStyle

_TRACE_ROWS = 200  # of the loss trace that travel with the weights


def pack(
    vae_run: Path,
    runs: Sequence[Path],
    out: Path,
    storage: str = "int8",
    steps: int | None = None,
    context_noise: float | None = None,
    average: int = 1,
) -> Path:
    """Write ``out`` from the autoencoder's run and the finished stages of recipe=simulator, the last of which counts.

    A packed checkpoint stands for the runs it was made of; ``steps`` and ``context_noise`` are the last run's own
    unless given.

    With ``average`` of 2 and more the weights are the mean of that many last runs (model soup, Wortsman et al. 2022).
    Both networks are stored as ``storage``; of an autoencoder of 34.37 dB 8 bits take .05 dB (docs/experiments.md).
    """
    run = runs[-1]
    if not 1 <= average <= len(runs):
        raise WorldsimError(f"average={average} must be between 1 and the number of runs, {len(runs)}.")
    dit, vae = load_dit(run / "dit.safetensors"), load_autoencoder(vae_run)
    if average > 1:
        states = [load_dit(one / "dit.safetensors").state_dict() for one in runs[-average:]]
        dit.load_state_dict({key: torch.stack([state[key] for state in states]).mean(0) for key in states[0]})
    _check_same_latents(vae, load_autoencoder(run), vae_run, run, storage)
    save_model(out / "dit.safetensors", dit, asdict(dit.config), storage)
    save_autoencoder(out / "vae.safetensors", vae, storage)
    config = {"average_of_last_stages": 1, **read_json(run / "config.json")}
    chosen = {
        "steps": steps,
        "context_noise": context_noise,
        "average_of_last_stages": average if average > 1 else None,
    }
    config |= {name: value for name, value in chosen.items() if value is not None}
    write_json(out / "config.json", config)
    if dit.config.text is not None:
        CaptionStyle.read(run).write(out)
    records = _autoencoder_records(vae_run)
    records |= _numbered([record for stage in runs for record in _stage_records(stage)])
    write_json(out / "training.json", records)
    params = {"vae": sum(p.numel() for p in vae.parameters()), "dit": sum(p.numel() for p in dit.parameters())}
    write_atomic(out / "card.md", card(out.name, config, records, params, storage))
    return out


def _check_same_latents(vae: Autoencoder, trained_with: Autoencoder, vae_run: Path, run: Path, storage: str) -> None:
    """The decoder may have been trained further since; the latents must be those the network knows.

    Heads are trained on what was packed, whose autoencoder is as ``storage`` has it.
    """
    ours, theirs = vae.state_dict(), trained_with.state_dict()
    known = [ours, as_stored(ours, storage)]
    changed = [
        name
        for name in ours
        if not name.startswith("decoder.") and not any(torch.equal(one[name], theirs[name]) for one in known)
    ]
    if changed:
        raise WorldsimError(
            f"{run} was trained in the latents of another autoencoder than {vae_run}: {changed[0]} differs."
        )


def _autoencoder_records(folder: Path) -> dict[str, Any]:
    """By the name of the part; of a run folder or of a packed checkpoint."""
    if (folder / "training.json").exists():
        return {part: record for part, record in read_json(folder / "training.json").items() if part.startswith("vae")}
    record = _record(folder)
    earlier = record["config"]["settings"].get("keep_encoder_of")
    return {**_autoencoder_records(Path(earlier)), "vae, decoder": record} if earlier else {"vae": record}


def _stage_records(folder: Path) -> list[dict[str, Any]]:
    """In order; of a run folder or of a packed checkpoint."""
    if (folder / "training.json").exists():
        packed = read_json(folder / "training.json")
        return [record for part, record in packed.items() if not part.startswith("vae")]
    return [_record(folder)]


def _numbered(records: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """By the name of the part; heads count that were trained on the last of the stages."""
    recipes = [record["config"]["recipe"] for record in records]
    stages = [record for record, recipe in zip(records, recipes, strict=True) if recipe != "heads"]
    named = {f"simulator, stage {number}": record for number, record in enumerate(stages, start=1)}
    if len(stages) == 1:
        named = {"simulator": stages[0]}
    return named | ({"heads alone": records[-1]} if recipes[-1] == "heads" else {})


def _record(run: Path) -> dict[str, Any]:
    record = asdict(RunRecord.read(run))
    trace = read_rows(run / "rows.jsonl")
    every = max(1, len(trace) // _TRACE_ROWS)
    kept = trace[::every] + (trace[-1:] if (len(trace) - 1) % every else [])
    return {**record, "loss_trace": kept}


def card(name: str, config: dict[str, Any], records: dict[str, Any], params: dict[str, int], storage: str) -> str:
    """The model card: what it is, what it was trained on and with, and what it is not for."""
    lines = [
        f"# {name}",
        "",
        f"A learned simulator of {', '.join(config['env_ids'])}: {config['height']}x{config['width']} frames "
        f"(height x width), {config['fps']:g} a second, action channels "
        + ", ".join(channel["name"] for channel in config["codec"])
        + ".",
        "",
        f"- Networks, stored as {storage}: diffusion transformer, {params['dit'] / 1e6:.2f} M parameters; "
        f"autoencoder, {params['vae'] / 1e6:.2f} M.",
        *(
            [f"- Weights: the mean of those after the last {config['average_of_last_stages']} stages."]
            if config["average_of_last_stages"] > 1
            else []
        ),
        f"- Sampling: {config['steps']} denoising step(s) a frame, context noised to {config['context_noise']:g}.",
        "- Data, recorded with `worldsim collect`:",
        *(
            f"  - `{table['env_id']}`, {_policy_name(table['policy'])}: {table['episodes']} episodes of at most "
            f"{table['max_steps']} steps, {table['frames']:,} frames, split {table['split']!r}, seed {table['seed']}"
            for table in config["data"]
        ),
        "- Training:",
        *(
            f"  - {part}: {record['completed']} steps, {record['model']['train_flops']:.2e} FLOPs, "
            f"{record['wall_s'] / 60:.0f} minutes on "
            f"{_device(record['config']['settings'])}, seed {record['seeds']['root']}; "
            f"final loss {record['loss_trace'][-1]['loss']:.4f}"
            for part, record in records.items()
        ),
        "- The whole record, settings and loss trace: `training.json` beside this card.",
        "",
        "Trained on recordings of games alone, and on captions of these where it reads text; no images of people.",
        "Made for research on learned simulators: it is small, its dream blurs and drifts after some seconds, and what",
        "leaves its view for longer than the attention window is forgotten. The figures it reaches are in the",
        "project's README, with the command that made them. Licence: Apache-2.0.",
        "",
    ]
    return "\n".join(lines)


def _device(settings: dict[str, Any]) -> str:
    if settings.get("device", "cpu") != "cpu":
        return str(settings["device"])
    return f"{settings['threads'] or 'all'} CPU thread(s)"


def _policy_name(text: str) -> str:
    """ "envs.policies.explorer:make_explorer" as "explorer"."""
    return text.partition(":")[0].rpartition(".")[2]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("vae_run", type=Path, help="folder of the run that trained the autoencoder")
    parser.add_argument("runs", type=Path, nargs="+", help="folders of the recipe=simulator stages, in order")
    parser.add_argument("out", type=Path)
    parser.add_argument("--storage", default="int8", choices=("float32", "bfloat16", "int8"))
    parser.add_argument("--steps", type=int, help="denoising steps a frame")
    parser.add_argument("--context-noise", type=float)
    parser.add_argument("--average", type=int, default=1, help="mean of the weights of so many last runs")
    args = parser.parse_args()
    try:
        print(pack(args.vae_run, args.runs, args.out, args.storage, args.steps, args.context_noise, args.average))
    except WorldsimError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
