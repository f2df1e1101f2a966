"""``worldsim expand``: the settings of a prompt expander are the fields of its own config dataclass."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Sequence
from typing import Any

from worldsim.cli import names
from worldsim.cli.settings import extended, part_of, setting
from worldsim.core.registry import load_target

EXAMPLES = (
    'worldsim expand "a scarlet tower at midnight" simulator=runs/scene',
    'worldsim expand "a scarlet tower at midnight" data=data/scene.lance seed=1',
    'worldsim expand "a tower" data=data/scene.lance expander=transformers model=HuggingFaceTB/SmolLM2-360M-Instruct',
    'worldsim expand "a tower" simulator=runs/scene expander=endpoint url=http://localhost:8000/v1 model=my-llm',
    "worldsim expand expander=endpoint --help",
)


@dataclasses.dataclass(kw_only=True)
class ExpandConfig:
    prompt: str = setting("what the video shall show, in a few words", example='"a red tower"', positional=True)
    expander: str = setting(
        "who writes; expander=NAME --help shows its settings",
        default="embedded",
        example="embedded",
        names="worldsim.cli.names:expander_names",
    )
    simulator: str | None = setting(
        "checkpoint whose training captions to write like",
        default=None,
        names="worldsim.cli.names:checkpoint_names",
        path=True,
    )
    data: list[str] = setting("or tables whose captions to write like", default=[], path=True)


def schema(words: Sequence[str]) -> type:
    """The command's own settings and those of the named expander."""
    named = [word.partition("=")[2] for word in words if word.startswith("expander=")]
    return extended(ExpandConfig, load_target(names.expanders().entry((named or ["embedded"])[-1]).info["config"]))


def run(config: ExpandConfig) -> None:
    """A short prompt as a caption in the style that a simulator was trained on."""
    entry = names.expanders().entry(config.expander)
    expander = entry.load()(part_of(config, load_target(entry.info["config"])), _style(config))
    unused = expander.unused_words(config.prompt)
    if unused:
        print(f"worldsim: left out, as no training caption says it: {', '.join(unused)}", file=sys.stderr)
    print(expander.expand([config.prompt])[0])


def _style(config: ExpandConfig) -> Any:
    from worldsim.text.style import CaptionStyle

    if config.data:
        from worldsim.data.store import EpisodeTable

        return CaptionStyle.of_captions(one.text for path in config.data for one in EpisodeTable.open(path).captions())
    if config.simulator is None:
        return None
    from worldsim.simulators.checkpoints import find_checkpoint

    return CaptionStyle.read(find_checkpoint(config.simulator).folder)
