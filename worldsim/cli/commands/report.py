"""``worldsim report``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from worldsim.cli.settings import setting
from worldsim.core.siblings import import_ours

EXAMPLES = (
    "worldsim report runs=runs/voxel-base out=report.html",
    "worldsim report runs=[runs/base,runs/4x] out=compare.html",
)


@dataclass(kw_only=True)
class ReportConfig:
    runs: list[str] = setting("folders written by worldsim eval", example="[runs/a,runs/b]", path=True)
    out: str = setting("HTML file to write", default="report.html", path=True)


def run(config: ReportConfig) -> None:
    """One self-contained file that opens offline: scores with intervals and controls, game and dream side by side."""
    write_report = import_ours("reports.html").write_report
    path = write_report([Path(folder) for folder in config.runs], Path(config.out))
    print(path or config.out)
