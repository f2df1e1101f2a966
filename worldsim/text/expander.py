"""What a prompt expander is, and one by its name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

from worldsim.core.registry import load_target
from worldsim.text import PROMPT_EXPANDERS
from worldsim.text.style import CaptionStyle


@runtime_checkable
class PromptExpander(Protocol):
    """Writes short prompts as dense captions in the style that the model was trained on."""

    def expand(self, prompts: Sequence[str]) -> list[str]:
        """A caption for each prompt, in their order."""
        ...

    def unused_words(self, prompt: str) -> list[str]:
        """The words of a prompt that the expander leaves out because it does not know them."""
        ...


def make_expander(name: str, style: CaptionStyle | None, **settings: Any) -> PromptExpander:
    """The expander called ``name``, writing in ``style``; ``settings`` are the fields of its config.

    Raises UnknownNameError for a name and WorldsimError for settings that cannot work.
    """
    entry = PROMPT_EXPANDERS.entry(name)
    return entry.load()(load_target(entry.info["config"])(**settings), style)
