"""What a suite is: scenarios drawn from a real game, and numbers from a trial. Each has a short YAML with a version."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import asdict, fields
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import yaml

from evals.games import RealGame
from evals.scenarios import Case
from evals.trial import Measurement, Trial
from worldsim.core.errors import WorldsimError, did_you_mean
from worldsim.core.records import content_hash


class Suite(ABC):
    """A named set of scenarios with a primary number.

    A subclass gives ``name``, ``config_class`` (a dataclass with ``version``, ``scenarios``, ``policy`` and
    ``context_frames``), the two methods, and has ``suites/<name>.yaml`` beside it. Scenario i of a game depends
    on the configuration, the game and i alone: a smaller ``limit`` is the beginning of a larger one.
    Raises WorldsimError for an override that is no setting.
    """

    name: ClassVar[str]
    primary: ClassVar[str]
    config_class: ClassVar[type]
    nulls: ClassVar[tuple[str, ...]] = ("last_frame", "wrong_action")  # controls that know nothing of what is asked
    familiar: ClassVar[bool] = False  # its primary number is the field's habit: shown for comparison, no capability
    faults: ClassVar[tuple[str, ...]] = ()  # planted faults that it must see, see evals.controls.planted
    chance: ClassVar[float | str] = 0.0  # the primary of one who knows nothing, or the null that shows it
    games: ClassVar[tuple[str, ...]] = ("voxel/arena",)  # in which it is validated, unless others are named
    facts_version: ClassVar[int] = 0  # raised when its cases keep other facts: then those on disk are made anew

    def __init__(self, **overrides: Any):
        settings = yaml.safe_load(self._settings_file().read_text())
        known = [field.name for field in fields(self.config_class)]
        for key in overrides:
            if key not in known:
                raise WorldsimError(f"the suite {self.name!r} has no setting {key!r}.{did_you_mean(key, known)}")
        self.config: Any = self.config_class(**{**settings, **overrides})

    def _settings_file(self) -> Path:
        """The suite's YAML, beside the file of its class or of the nearest class that it is derived from."""
        derived = [cls for cls in type(self).__mro__ if issubclass(cls, Suite) and cls is not Suite]
        files = [Path(inspect.getfile(cls)).parent / f"{self.name}.yaml" for cls in derived]
        for file in files:
            if file.is_file():
                return file
        raise WorldsimError(
            f"the suite {self.name!r} has no settings: write {files[0]}, with its version and the rest."
        )

    @property
    def version(self) -> int:
        return self.config.version

    @property
    def inputs(self) -> dict[str, Any]:
        """What decides a scenario and its measurement: the name and the settings, but not how many scenarios."""
        settings = asdict(self.config)
        settings.pop("scenarios")
        return {"suite": self.name, **settings}

    @cached_property
    def hash(self) -> str:
        return content_hash(self.inputs)

    def admits(self, simulator: Any) -> bool:
        """Whether a model can be asked what this suite asks; one that is not admitted is left out."""
        return True

    def misfit(self, game: RealGame) -> str:
        """Why nothing can be asked in a game, "" where it can; a game that does not fit is left out."""
        return ""

    @abstractmethod
    def build(self, game: RealGame, index: int) -> Case:
        """Scenario ``index`` of the game, with its real branches."""

    @abstractmethod
    def measure(self, trial: Trial) -> Measurement:
        """The numbers of one trial; the primary among them, or a reason why it has none."""

    def conclude(self, rows: Sequence[dict[str, Any]]) -> dict[str, tuple[float, str]]:
        """Numbers that only all of a simulator's rows together have, or why not; none unless a suite has some."""
        return {}
