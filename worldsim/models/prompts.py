"""Prompts in a diffusion transformer: read by its text encoder, and as the keys and values that its blocks attend to.

Legend: B prompts, L words, W text width, D width.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from worldsim.models.block import TextAttention, TextKeys
from worldsim.models.config import DiTConfig
from worldsim.models.layers import Linear
from worldsim.models.text import TextTokens


class ReadsPrompts(nn.Module):
    """The part of the transformer that reads; of a network without text, every answer is None."""

    config: DiTConfig
    blocks: nn.ModuleList
    text: nn.Module | None
    text_summary: Linear | None

    def read(self, prompts: Sequence[str], length: int | None = None) -> TextTokens | None:
        """The prompts as the network takes them, padded to ``length`` tokens; None for a network without text."""
        if self.text is None:
            return None
        rows = {prompt: row for row, prompt in enumerate(dict.fromkeys(prompts))}  # the images of a clip share one
        return self.text(list(rows), length).select([rows[prompt] for prompt in prompts])

    def stream_text(self, prompts: Sequence[str]) -> TextKeys | None:
        """What ``stream`` takes for these prompts, of one length whatever they say; None for a network without text."""
        if self.config.text is None or self.text_summary is None:
            return None
        return self.text_keys(
            self.read(prompts, self.config.text.max_words + 1), len(prompts), self.text_summary.weight.dtype
        )

    def text_keys(self, text: TextTokens | None, clips: int, dtype: torch.dtype) -> TextKeys | None:
        """What the blocks need of the text, the same for every frame; without ``text`` that of empty prompts."""
        if self.text is None or self.text_summary is None:
            return None
        if text is None:
            text = self.read([""] * clips)
            assert text is not None
        features_BLW = text.features_BLE.to(dtype)
        bias_BL = torch.zeros(text.mask_BL.shape, dtype=dtype, device=features_BLW.device)
        bias_BL = bias_BL.masked_fill(~text.mask_BL, float("-inf"))
        share_BL1 = (text.mask_BL / text.mask_BL.sum(1, keepdim=True))[..., None].to(dtype)
        summary_BD = self.text_summary((features_BLW * share_BL1).sum(1))
        keys = {number: layer.keys(features_BLW) for number, layer in self._text_layers().items()}
        return TextKeys(keys, bias_BL, summary_BD)

    def _text_layers(self) -> dict[int, TextAttention]:
        """By the number of their block."""
        found = {number: block.text for number, block in enumerate(self.blocks)}
        return {number: layer for number, layer in found.items() if isinstance(layer, TextAttention)}
