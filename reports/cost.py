"""What each model cost: compute, time and energy of its training, and the time it took to answer the suites."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from reports.numbers import ABSENT, count, duration, number
from reports.runs import Entry, Run, models, suite_keys
from reports.tables import table
from reports.training import Stage, stages_of

NOT_KNOWN = "not known"


@dataclass(frozen=True)
class Cost:
    """Of one model; None where no record tells. FLOPs are those of training; the plots are over ``network_flops``."""

    label: str
    params: int | None
    network_flops: float | None
    autoencoder_flops: float | None
    train_s: float | None
    energy_j: float | None
    machine: str
    dream_s: float
    answers: int


def costs(runs: Sequence[Run], stages: Sequence[Stage]) -> list[Cost]:
    """Of every model, by training compute."""
    listed: dict[str, list[Entry]] = {}
    for key in suite_keys(runs):
        for entry in models(runs, key):
            listed.setdefault(entry.run.labels[entry.simulator], []).append(entry)
    found = [_cost(label, entries, stages_of(stages, label)) for label, entries in listed.items()]
    return sorted(found, key=lambda cost: (cost.network_flops is None, cost.network_flops))


def _cost(label: str, entries: Sequence[Entry], stages: Sequence[Stage]) -> Cost:
    first = entries[0]
    facts = first.run.facts(first.simulator)
    params = [facts[name] for name in ("params", "vae_params") if facts.get(name)]
    autoencoder = [stage.train_flops for stage in stages if stage.kind == "vae"]
    energy = [_energy_j(stage.record) for stage in stages]
    rows = [row for entry in entries for row in entry.rows]
    return Cost(
        label,
        sum(params) if params else None,
        first.train_flops,
        sum(autoencoder) if autoencoder else None,
        sum(float(stage.record.get("wall_s") or 0) for stage in stages) if stages else None,
        sum(e for e in energy if e is not None) if energy and None not in energy else None,
        "; ".join(dict.fromkeys(_machine(stage.record) for stage in stages)),
        sum(float(row.get("wall_s") or 0) for row in rows),
        len(rows),
    )


def _energy_j(record: Any) -> float | None:
    """Joules, where the machine counted them."""
    found = record.get("model", {}).get("energy_j")
    return None if found is None else float(found)


def _machine(record: Any) -> str:
    about = record.get("environment", {})
    threads = record.get("config", {}).get("settings", {}).get("threads")
    cores = f"{about.get('cpu_count', '?')} cores, {about.get('machine', '?')}"
    return str(about.get("gpu") or about.get("device") or cores) + (f", {count(threads, 'thread')}" if threads else "")


def cost_table(found: Sequence[Cost]) -> str:
    body = [[escape(cell) for cell in line] for line in cost_cells(found)[1:]]
    return table("What each model cost", cost_cells(found)[0], body)


def cost_cells(found: Sequence[Cost]) -> list[list[str]]:
    """Head and lines as text, for the page and for LaTeX."""
    smallest = min((cost.network_flops for cost in found if cost.network_flops), default=None)
    head = ["model", "parameters", "training FLOPs", "times the smallest", "autoencoder FLOPs", "training took"]
    lines = [[*head, "energy", "trained on", "dreaming took"]]
    for cost in found:
        known = cost.network_flops and smallest
        lines.append(
            [
                cost.label,
                number(cost.params) if cost.params else NOT_KNOWN,
                number(cost.network_flops) if cost.network_flops else NOT_KNOWN,
                f"{cost.network_flops / smallest:.3g}" if known else ABSENT,  # type: ignore[operator]
                number(cost.autoencoder_flops) if cost.autoencoder_flops else NOT_KNOWN,
                duration(cost.train_s) if cost.train_s is not None else NOT_KNOWN,
                f"{number(cost.energy_j / 3600)} Wh" if cost.energy_j is not None else NOT_KNOWN,
                cost.machine or NOT_KNOWN,
                f"{duration(cost.dream_s)} for {cost.answers:,} answers",
            ]
        )
    return lines
