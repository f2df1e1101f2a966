"""Prompts expanded by a language model behind an OpenAI-compatible endpoint."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from worldsim.text.chat import Chat, ChatConfig
from worldsim.text.instructions import caption_in, messages
from worldsim.text.style import CaptionStyle


@dataclass(frozen=True, kw_only=True)
class EndpointConfig(ChatConfig):
    """Settings of :class:`EndpointExpander`."""


class EndpointExpander:
    """Asks the endpoint about each prompt, ``parallel`` at a time; see :class:`worldsim.text.chat.Chat` for errors."""

    def __init__(self, config: EndpointConfig, style: CaptionStyle | None):
        self.config, self.style = config, style
        self._chat = Chat(config, "caption")

    def expand(self, prompts: Sequence[str]) -> list[str]:
        """The model's caption for each prompt; "" stays ""."""
        with ThreadPoolExecutor(self.config.parallel) as pool:
            return list(pool.map(self._expand, prompts, range(len(prompts))))

    def unused_words(self, prompt: str) -> list[str]:
        return []

    def _expand(self, prompt: str, number: int) -> str:
        if not prompt.strip():
            return ""
        return self._chat.ask(messages(prompt, self.style), lambda answer, cut_off: caption_in(answer), salt=number)
