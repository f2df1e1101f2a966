"""Prompts as tokens that a video model attends to: the embedded encoder, which is trained with the model.

Legend: B prompts, L tokens of the longest prompt with its start token, D width, H heads, E head width.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from worldsim.core.errors import WorldsimError
from worldsim.models.layers import Linear, norm, rope_table, rotate
from worldsim.text.vocabulary import START, UNKNOWN, Vocabulary, split_words

EMBEDDED = "embedded"


@dataclass(frozen=True)
class TextConfig:
    """Which encoder reads prompts, and its sizes; ``depth``, ``heads`` and ``words`` are the embedded one's."""

    encoder: str = EMBEDDED  # embedded, or the name on the Hugging Face hub or the folder of any text encoder
    width: int = 128  # of a token's features
    depth: int = 2  # transformer blocks
    heads: int = 4
    max_words: int = 64  # longest prompt: words and marks, or the tokens of a Hugging Face encoder
    words: tuple[str, ...] = ()  # the vocabulary, from the training captions; see Vocabulary.of_captions
    revision: str | None = None  # commit, branch or tag of a Hugging Face encoder

    def __post_init__(self) -> None:
        object.__setattr__(self, "words", tuple(self.words))  # JSON knows lists only
        for name in ("width", "depth", "heads", "max_words"):
            if getattr(self, name) < 1:
                raise WorldsimError(f"text: {name}={getattr(self, name)} must be at least 1.")
        if self.encoder == EMBEDDED:
            if self.width % self.heads or (self.width // self.heads) % 2:
                raise WorldsimError(f"text: width={self.width} must be an even multiple of heads={self.heads}.")
            if not self.words:
                raise WorldsimError("text: words=() is an empty vocabulary; the embedded encoder needs captions.")


@dataclass(frozen=True)
class TextTokens:
    """Encoded prompts. Token 0 of each is its start and always real, so that the empty prompt can be attended to."""

    features_BLE: Tensor  # float
    mask_BL: Tensor  # bool, True for a real token, False for padding

    def __len__(self) -> int:
        return len(self.mask_BL)

    def select(self, index: Any) -> TextTokens:
        """Some of the prompts, by anything that indexes the first axis and keeps it: a list, a slice, a tensor."""
        return TextTokens(self.features_BLE[index], self.mask_BL[index])

    def to(self, *args: Any) -> TextTokens:
        """Moved to a device, or with features of another float type."""
        features = self.features_BLE.to(*args)
        return TextTokens(features, self.mask_BL.to(features.device))


class EncoderBlock(nn.Module):
    """Attention among the words of a prompt, and an MLP; pre-norm."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.qkv = Linear(width, 3 * width, bias=False)
        self.out = Linear(width, width, bias=False)
        self.up = Linear(width, 4 * width)
        self.down = Linear(4 * width, width)

    def forward(self, x_BLD: Tensor, rope: tuple[Tensor, Tensor], mask_B11L: Tensor) -> Tensor:
        B, L, D = x_BLD.shape
        qkv = self.qkv(norm(x_BLD)).view(B, L, 3, self.heads, D // self.heads).permute(2, 0, 3, 1, 4)
        q_BHLE, k_BHLE = rotate(norm(qkv[:2]), *rope)
        out_BHLE = F.scaled_dot_product_attention(q_BHLE, k_BHLE, qkv[2], attn_mask=mask_B11L)
        x_BLD = x_BLD + self.out(out_BHLE.transpose(1, 2).reshape(B, L, D))
        return x_BLD + self.down(F.gelu(self.up(norm(x_BLD))))


class TextEncoder(nn.Module):
    """Word embeddings and a small bidirectional transformer over a vocabulary of its own; float32."""

    def __init__(self, config: TextConfig):
        super().__init__()
        self.config, self.width = config, config.width
        self.vocabulary = Vocabulary(config.words)
        self.embedding = nn.Embedding(len(self.vocabulary), config.width)
        self.blocks = nn.ModuleList(EncoderBlock(config.width, config.heads) for _ in range(config.depth))
        for module in self.modules():
            if isinstance(module, Linear):
                nn.init.normal_(module.weight, std=module.in_features**-0.5)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        with torch.no_grad():  # it is seldom trained, and should say nothing rather than something random
            self.embedding.weight[UNKNOWN].zero_()

    def forward(self, prompts: Sequence[str], length: int | None = None) -> TextTokens:
        """Features (B, L, width) of ``prompts``; L is ``length`` where given, for networks compiled for one shape.

        Raises WorldsimError for a prompt of more than ``max_words`` words and marks.
        """
        ids_BL, mask_BL = self._ids(prompts, length)
        x_BLD = self.embedding(ids_BL)
        rope = self._rope(ids_BL.shape[1], x_BLD.device)
        for block in self.blocks:
            x_BLD = block(x_BLD, rope, mask_BL[:, None, None])
        return TextTokens(norm(x_BLD), mask_BL)

    def _ids(self, prompts: Sequence[str], length: int | None) -> tuple[Tensor, Tensor]:
        for prompt in prompts:
            require_length(prompt, len(split_words(prompt)), self.config.max_words, "words and marks")
        rows = [self.vocabulary.encode(prompt) for prompt in prompts]
        longest = max(map(len, rows), default=1)
        assert length is None or length >= longest, f"length={length} for {longest} tokens"
        padded = [row + [START] * ((length or longest) - len(row)) for row in rows]
        device = self.embedding.weight.device
        ids_BL = torch.tensor(padded, dtype=torch.long, device=device).view(len(rows), length or longest)
        counts_B = torch.tensor([len(row) for row in rows], dtype=torch.long, device=device)
        return ids_BL, torch.arange(ids_BL.shape[1], device=device) < counts_B[:, None]

    def _rope(self, tokens: int, device: torch.device) -> tuple[Tensor, Tensor]:
        positions_L3 = F.pad(torch.arange(tokens, device=device)[:, None], (0, 2))
        return rope_table(positions_L3, self.config.width // self.config.heads, torch.float32)


def require_length(prompt: str, count: int, most: int, unit: str) -> None:
    """WorldsimError for a prompt that is too long for its encoder."""
    if count > most:
        raise WorldsimError(
            f"the prompt {prompt[:40]!r}... has {count} {unit}, and this model reads {most} (max_words); shorten it."
        )


def config_for_training(encoder: str, captions: Iterable[str], **sizes: Any) -> TextConfig:
    """The config of a new model: the vocabulary of ``captions``, or the width that a Hugging Face encoder has."""
    if encoder == EMBEDDED:
        return TextConfig(words=Vocabulary.of_captions(captions).words, **sizes)
    from worldsim.models.huggingface_text import with_width_of_encoder

    return with_width_of_encoder(TextConfig(encoder=encoder, **sizes))


def make_text_encoder(config: TextConfig) -> nn.Module:
    """The encoder that ``config`` names; called with prompts it gives TextTokens of ``width`` features."""
    if config.encoder == EMBEDDED:
        return TextEncoder(config)
    from worldsim.models.huggingface_text import HuggingFaceText

    return HuggingFaceText(config)
