"""``worldsim report``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

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
    write_report = import_ours("reports.html").write_report
    checkpoints = find_checkpoints([Path(folder) for folder in config.runs])
    print(write_report(config.runs, config.out, config.videos, config.force, checkpoints))


def find_checkpoints(folders: Sequence[Path]) -> dict[str, Path]:
    """Checkpoints with a record of their training, by hash: those given, those that evaluations name, the shipped.

    A name is looked for from here and from the folders above the evaluation, which may have been moved with it; the
    hash says whether it is the one that was evaluated.
    """
    from worldsim.core.errors import WorldsimError
    from worldsim.core.records import RunRecord
    from worldsim.simulators.checkpoints import SHIPPED, find_checkpoint, shipped_names

    places = [SHIPPED / name for name in shipped_names()]
    for folder in folders:
        places.append(folder)
        try:
            named = RunRecord.read(folder).config.get("simulator") or []
        except WorldsimError:  # the report says what is wrong with it
            continue
        names = [named] if isinstance(named, str) else named
        places += [above / str(name) for name in names for above in (Path(), *folder.resolve().parents)]
    found = [place for place in dict.fromkeys(places) if (place / "training.json").is_file()]
    return {find_checkpoint(place).hash: place for place in found if (place / "config.json").is_file()}
