"""Long work in stages: in order, each done once, gone on with after any kill, and how long the rest will take."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from worldsim.cli.progress import duration
from worldsim.core.errors import WorldsimError
from worldsim.core.records import RunRecord, to_plain, utc_now

# Seconds a unit of work before one stage of its kind was timed, on two cores: a FLOP, a frame, a scenario, ...
USUAL_S = {"training": 5e-12, "recording": 1e-3, "evaluation": 1.5, "packing": 5.0, "report": 30.0}

Say = Callable[[str], None]


@dataclass(frozen=True)
class Stage:
    """``work`` is in units of its ``kind``; ``inputs`` are what makes it another stage when they change.

    ``run`` is called with what prints a line of progress, goes on where a killed call of it stopped, and returns "" or
    why there was nothing to do.
    """

    name: str
    kind: str
    work: float
    run: Callable[[Say], str]
    inputs: dict[str, Any]


class Stages:
    """The ``stages`` of the work in folder ``out``, whose ``record.json`` says which are finished.

    Raises WorldsimError where the folder holds work of other ``settings``; those in ``may_change`` may differ.
    """

    def __init__(
        self, kind: str, out: Path, settings: dict[str, Any], may_change: Collection[str], stages: Sequence[Stage]
    ):
        self.out, self.stages = Path(out), list(stages)
        settings = to_plain(settings)
        self.record = RunRecord(kind, self.out.name, settings, planned=len(self.stages), started_utc=utc_now())
        if (self.out / "record.json").exists():
            before = RunRecord.read(self.out)
            changed = [
                key
                for key in {**before.config, **settings}
                if key not in may_change and before.config.get(key) != settings.get(key)
            ]
            if changed:
                raise WorldsimError(
                    f"{self.out} holds a {kind} with other {', '.join(changed)}; choose another out= or delete that "
                    "folder."
                )
            self.record.started_utc, self.record.model = before.started_utc, before.model
        self._told: dict[str, dict[str, Any]] = self.record.model.setdefault("stages", {})

    def run(self) -> None:
        """Run what is not finished."""
        for number, stage in enumerate(self.stages, start=1):
            if self._is_done(stage):
                continue
            self._run(stage, f"[{number}/{len(self.stages)}] {stage.name}")
        self.record.finished_utc = utc_now()
        self._write()

    def _run(self, stage: Stage, title: str) -> None:
        unfinished = self._told.get(stage.name, {})
        resumed = bool(unfinished) and unfinished["inputs"] == to_plain(stage.inputs)
        told = {"kind": stage.kind, "work": stage.work, "inputs": to_plain(stage.inputs), "resumed": resumed}
        self._told[stage.name] = told
        self._write()
        rest = self.left_s() - self._usual_s(stage)
        after = f"then about {duration(rest)} for the rest" if rest else "then it is done"
        _print(f"{title}: about {duration(self._usual_s(stage))}, {after}")
        begun = time.monotonic()
        note = stage.run(lambda line: _print(f"{title}  {line}  ({after})"))
        if note:
            _print(f"{title}: {note}")
        told |= {"seconds": round(time.monotonic() - begun, 2), "note": note, "finished_utc": utc_now()}
        self._write()

    def left_s(self) -> float:
        """Seconds that the unfinished stages are expected to take, by those of their kind that are finished."""
        return sum(self._usual_s(stage) for stage in self.stages if not self._is_done(stage))

    def _is_done(self, stage: Stage) -> bool:
        told = self._told.get(stage.name, {})
        return "finished_utc" in told and told["inputs"] == to_plain(stage.inputs)

    def _usual_s(self, stage: Stage) -> float:
        timed = [
            told
            for told in self._told.values()
            if told["kind"] == stage.kind and "seconds" in told and not (told["resumed"] or told["note"])
        ]
        work = sum(told["work"] for told in timed)
        rate = sum(told["seconds"] for told in timed) / work if work else USUAL_S[stage.kind]
        return stage.work * rate

    def _write(self) -> None:
        self.record.completed = sum(map(self._is_done, self.stages))
        self.record.wall_s = round(sum(told.get("seconds", 0.0) for told in self._told.values()), 2)
        self.record.write(self.out)


def _print(line: str) -> None:
    live = sys.stderr.isatty()
    print(("\r\033[K" if live else "") + line, end="" if live else "\n", file=sys.stderr, flush=True)
