"""The table a person reads when an evaluation is done."""

from __future__ import annotations

from typing import Any

from evals.metrics import metric_entry

ROLE_ORDER = {"model": 0, "ceiling": 1, "oracle": 2, "null": 3, "fault": 4}
HEAD = ("simulator", "role", "score", "95 %", "{primary}", "95 %", "coverage")


def format_table(summary: dict[str, Any]) -> str:
    """Text of a summary: a block per suite and game, the models first, then ceiling, oracle and nulls."""
    return "\n\n".join(_block(part) for part in summary["suites"])


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
    widths = [max(len(line[i]) for line in lines) for i in range(len(HEAD))]
    text = [_title(part)]
    text += [
        "  " + "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    ]
    text += _families(part)
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


def _title(part: dict[str, Any]) -> str:
    verdict = {True: "valid", False: "INVALID", None: "not judged"}[part["valid"]]
    return f"{part['suite']} (version {part['suite_version']}) in {part['game']}: {verdict}; {part['valid_reason']}"


def _bounds(value: dict[str, Any] | None) -> str:
    if value is None or value["low"] is None:
        return "-"
    return f"[{_number(value['low'])}, {_number(value['high'])}]"


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.3f}"
