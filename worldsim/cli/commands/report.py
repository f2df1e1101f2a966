"""``worldsim report``."""

from __future__ import annotations

from dataclasses import dataclass

from worldsim.cli.settings import setting
from worldsim.core.siblings import import_ours

EXAMPLES = (
    "worldsim report runs=runs/voxel-base out=report.html",
    "worldsim report runs=[runs/base,runs/4x,runs/32x] out=compare.html",
)


@dataclass(kw_only=True)
class ReportConfig:
    runs: list[str] = setting(
        "folders written by worldsim eval, and training runs or checkpoints for their losses and cost",
        example="[runs/a,runs/b]",
        path=True,
    )
    out: str = setting("HTML file to write", default="report.html", path=True)
    videos: int = setting("scenarios to show of each suite and game, as far as the file has room", default=3)
    force: bool = setting("compare runs of other suite versions, limits or scenarios all the same", default=False)


def run(config: ReportConfig) -> None:
    """One self-contained file that opens offline: models and game side by side, what compute buys, what it cost."""
    from worldsim.simulators.checkpoints import SHIPPED, shipped_names

    shipped = {name: SHIPPED / name for name in shipped_names()}
    write_report = import_ours("reports.html").write_report
    print(write_report(config.runs, config.out, config.videos, config.force, shipped))
