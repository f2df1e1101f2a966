"""Any text encoder of transformers (T5, CLIP, BERT, ...) in front of the video model: frozen, its features cached.

The encoder is loaded when a prompt is met that the cache does not have, so training on captions that were seen before,
and opening a checkpoint, cost nothing. Its weights are no part of the video model's.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

from worldsim.core.errors import WorldsimError
from worldsim.core.records import write_atomic
from worldsim.models.text import TextConfig, TextTokens, require_length
from worldsim.text.pretrained import import_transformers, loading

_AT_A_TIME = 32  # prompts of one length
_KIND = "a text encoder"


class HuggingFaceText(nn.Module):
    """Prompts through the encoder that ``config.encoder`` names, in float32, after a start token of zeros.

    ``cache`` is the folder that keeps features, one safetensors file a prompt under a hash of the encoder's contents;
    by default ``$WORLDSIM_CACHE/text`` or ``~/.cache/worldsim/text``.
    """

    _place: Tensor

    def __init__(self, config: TextConfig, cache: Path | None = None):
        super().__init__()
        self.config, self.width = config, config.width
        self._root = Path(cache or Path(os.environ.get("WORLDSIM_CACHE") or "~/.cache/worldsim") / "text").expanduser()
        self.register_buffer("_place", torch.zeros(0), persistent=False)  # says on which device features are wanted

    def forward(self, prompts: Sequence[str], length: int | None = None) -> TextTokens:
        """Features (B, L, width) of ``prompts``; L is ``length`` where given.

        Raises WorldsimError for a prompt of too many tokens and for an encoder that cannot be loaded.
        """
        features = self._features(dict.fromkeys(prompts))
        counts_B = torch.tensor([1 + len(features[prompt]) for prompt in prompts], dtype=torch.long)
        longest = int(counts_B.max()) if len(prompts) else 1
        assert length is None or length >= longest, f"length={length} for {longest} tokens"
        features_BLE = torch.zeros(len(prompts), length or longest, self.width)
        for row, prompt in zip(features_BLE, prompts, strict=True):
            row[1 : 1 + len(features[prompt])] = features[prompt]
        mask_BL = torch.arange(features_BLE.shape[1]) < counts_B[:, None]
        return TextTokens(features_BLE, mask_BL).to(self._place.device)

    def _features(self, prompts: Iterable[str]) -> dict[str, Tensor]:
        """Features (tokens, width) of each prompt, on the CPU."""
        found = {prompt: self._cached(prompt) for prompt in prompts}
        missing = [prompt for prompt, features in found.items() if features is None]
        if missing:
            for prompt, features in self._encode(missing):
                write_atomic(self._file(prompt), save({"features": features}))
                found[prompt] = features
        return found  # type: ignore[return-value]

    def _cached(self, prompt: str) -> Tensor | None:
        try:
            return load_file(self._file(prompt))["features"]
        except (OSError, SafetensorError, KeyError):  # a damaged file is written anew
            return None

    def _file(self, prompt: str) -> Path:
        # "limit": a prompt that is too long says so whether or not a longer limit has cached it.
        inputs = repr((self.config.max_words, prompt))
        return self._root / self._identity / f"{hashlib.sha256(inputs.encode()).hexdigest()[:32]}.safetensors"

    @torch.no_grad()
    def _encode(self, prompts: Sequence[str]) -> list[tuple[str, Tensor]]:
        tokenizer, model, limit = self._loaded
        model.to(self._place.device)
        ids = {prompt: tokenizer(prompt)["input_ids"] for prompt in prompts}
        for prompt, tokens in ids.items():
            require_length(prompt, len(tokens), limit, "tokens")
        encoded = []
        # Prompts of one length go together: without padding a prompt's features do not depend on the others.
        for count, group in groupby(sorted(ids, key=lambda prompt: len(ids[prompt])), lambda prompt: len(ids[prompt])):
            same = list(group)
            for batch in (same[i : i + _AT_A_TIME] for i in range(0, len(same), _AT_A_TIME)):
                if count == 0:  # a tokenizer without marks of its own says nothing of an empty prompt
                    encoded += [(prompt, torch.zeros(0, self.width)) for prompt in batch]
                    continue
                ids_BL = torch.tensor([ids[prompt] for prompt in batch], device=self._place.device)
                out_BLE = model(input_ids=ids_BL, attention_mask=torch.ones_like(ids_BL)).last_hidden_state
                encoded += [(p, one.float().cpu().clone()) for p, one in zip(batch, out_BLE, strict=True)]
        return encoded

    @cached_property  # in the instance's dictionary: no sub-module, so neither saved nor trained
    def _loaded(self) -> tuple[Any, Any, int]:
        """The tokenizer, the encoder, and the most tokens that it reads."""
        transformers = import_transformers(f"encoder={self.config.encoder!r}")
        name, options = self.config.encoder, _options(self.config)
        with loading(name, _KIND):
            tokenizer = transformers.AutoTokenizer.from_pretrained(name, **options)
            model_config = transformers.AutoConfig.from_pretrained(name, **options)
            reads_text_only = type(model_config) in transformers.MODEL_FOR_TEXT_ENCODING_MAPPING
            auto = transformers.AutoModelForTextEncoding if reads_text_only else transformers.AutoModel
            model = auto.from_pretrained(name, **options, dtype=torch.float32, use_safetensors=True)
            if model_config.is_encoder_decoder:
                model = model.get_encoder()
            model = getattr(model, "text_model", model)  # of the pairs of an image and a text encoder, such as CLIP
        text_config = model_config.get_text_config()
        if text_config.hidden_size != self.width:
            raise WorldsimError(
                f"{name!r} gives {text_config.hidden_size} features a token and the checkpoint was trained with "
                f"{self.width}; give the encoder that it was trained with."
            )
        limits = (self.config.max_words, tokenizer.model_max_length, getattr(text_config, "max_position_embeddings", 0))
        return tokenizer, model.eval().requires_grad_(False), min(limit for limit in limits if limit)

    @cached_property
    def _identity(self) -> str:
        """A hash of what decides the features: the files of a folder, or the commit of a name on the hub."""
        digest = hashlib.sha256()
        folder = Path(self.config.encoder)
        if folder.is_dir():
            for file in sorted(folder.iterdir()):
                if file.suffix in (".json", ".safetensors", ".model", ".txt"):
                    digest.update(file.name.encode())
                    with file.open("rb") as opened:
                        digest.update(hashlib.file_digest(opened, "sha256").digest())
        else:
            digest.update(f"{self.config.encoder}@{_read_config(self.config)._commit_hash}".encode())
        return digest.hexdigest()[:32]


def with_width_of_encoder(config: TextConfig) -> TextConfig:
    """``config`` with the width that its Hugging Face encoder has; reads that encoder's config.json alone."""
    return replace(config, width=_read_config(config).get_text_config().hidden_size)


def _read_config(config: TextConfig) -> Any:
    transformers = import_transformers(f"encoder={config.encoder!r}")
    with loading(config.encoder, _KIND):
        return transformers.AutoConfig.from_pretrained(config.encoder, **_options(config))


def _options(config: TextConfig) -> dict[str, Any]:
    return {"revision": config.revision, "trust_remote_code": False}
