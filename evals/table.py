"""The tables a person reads when an evaluation is done: each suite with everybody in it, then a line for each model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from evals.metrics import metric_entry

ROLE_ORDER = {"model": 0, "ceiling": 1, "oracle": 2, "null": 3, "fault": 4}
HEAD = ("simulator", "role", "score", "95 %", "{primary}", "95 %", "coverage")
OVERVIEW = (
    "suite",
    "game",
    "model",
    "score, 0 best null, 1 game",
    "primary",
    "ceiling",
    "best null",
    "coverage",
    "suite is",
)
VERDICTS = {True: "valid", False: "INVALID", None: "not judged"}


def format_table(summary: dict[str, Any]) -> str:
    """Text of a summary: a block per suite and game, the models first, then ceiling, oracle and nulls; the overview."""
    blocks = [_block(part) for part in summary["suites"]]
    lines = [line for part in summary["suites"] for line in _overview(part)]
    return "\n\n".join([*blocks, "\n".join(_aligned([OVERVIEW, *lines]))] if lines else blocks)


def format_times(record: dict[str, Any]) -> str:
    """Where the time of an evaluation went, of its record."""
    parts = {"models": "model_s", "controls": "control_s", "real games": "game_s", "harness": "harness_s"}
    total_s = max(sum(record[key] for key in parts.values()), 1e-9)
    told = (f"{name} {_duration(record[key])} ({100 * record[key] / total_s:.0f} %)" for name, key in parts.items())
    return ", ".join(told)


def _overview(part: dict[str, Any]) -> list[tuple[str, ...]]:
    """A line for each model: its score and its primary number, beside what its autoencoder and the best null reach."""
    primary = {row["simulator"]: row["metrics"][part["primary"]] for row in part["simulators"]}
    models = [row for row in part["simulators"] if row["role"] == "model"]
    best_null = part["best_null"]
    lines: list[tuple[str, ...]] = []
    for row in models:
        name = row["simulator"]
        ceiling = primary.get("oracle_vae" if len(models) == 1 else f"oracle_vae:{name}")
        lines.append(
            (
                part["suite"],
                part["game"],
                name,
                f"{_number(row['score'] and row['score']['mean'])} {_bounds(row['score'])}",
                f"{_number(primary[name]['mean'])} {_bounds(primary[name])}",
                _number(ceiling and ceiling["mean"]),
                f"{_number(primary[best_null]['mean'])} {best_null}" if best_null else "-",
                f"{row['completed']}/{row['planned']}",
                _verdict(part),
            )
        )
    return lines


def _block(part: dict[str, Any]) -> str:
    unit = metric_entry(part["primary"]).info["unit"]
    primary = part["primary"] if not unit or unit in part["primary"] else f"{part['primary']} ({unit})"
    lines = [tuple(cell.format(primary=primary) for cell in HEAD)]
    for row in sorted(part["simulators"], key=lambda row: (ROLE_ORDER[row["role"]], row["simulator"])):
        metric, score = row["metrics"][part["primary"]], row["score"]
        lines.append(
            (
                row["simulator"],
                row["role"],
                _number(score and score["mean"]),
                _bounds(score),
                _number(metric["mean"]),
                _bounds(metric),
                f"{row['completed']}/{row['planned']}",
            )
        )
    text = [_title(part), *(f"  {line}" for line in _aligned(lines)), *_families(part), *_whole(part)]
    for row in part["simulators"]:
        text += [f"  {row['simulator']}: {f['count']} not scored: {f['reason']}" for f in row["failures"][:3]]
    return "\n".join(text)


def _families(part: dict[str, Any]) -> list[str]:
    """A line a model: the primary in each kind of scenario."""
    lines = []
    for row in part["simulators"]:
        if row["role"] == "model" and row["families"]:
            kinds = [f"{name} {_number(of['mean'])} {_bounds(of)}" for name, of in row["families"].items()]
            lines.append(f"  {row['simulator']}, by kind: {', '.join(kinds)}")
    return lines


def _whole(part: dict[str, Any]) -> list[str]:
    """What all scenarios of a model say together, or why it is not known."""
    return [
        f"  {row['simulator']}: {name} {_number(found['value'])} {found['reason']}".rstrip()
        for row in part["simulators"]
        if row["role"] == "model"
        for name, found in row["whole"].items()
    ]


def _verdict(part: dict[str, Any]) -> str:
    return VERDICTS[part["valid"]] + (", familiar but no capability" if part["familiar"] else "")


def _title(part: dict[str, Any]) -> str:
    where = f"{part['suite']} (version {part['suite_version']}) in {part['game']}"
    return f"{where}: {_verdict(part)}; {part['valid_reason']}"


def _aligned(lines: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]


def _bounds(value: dict[str, Any] | None) -> str:
    if value is None or value["low"] is None:
        return "-"
    return f"[{_number(value['low'])}, {_number(value['high'])}]"


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.1f} min"


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.3f}"
