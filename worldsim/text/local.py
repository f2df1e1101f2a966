"""Prompts expanded by a language model that runs here, through transformers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from worldsim.core.errors import WorldsimError
from worldsim.text.instructions import caption_in, completion, messages
from worldsim.text.pretrained import best_device, import_transformers, loading
from worldsim.text.style import CaptionStyle


@dataclass(frozen=True, kw_only=True)
class TransformersConfig:
    """Settings of :class:`TransformersExpander`."""

    model: str  # folder, or name on the Hugging Face hub, of a model that generates text
    revision: str | None = None  # commit, branch or tag on the hub
    device: str = "auto"  # auto: the GPU where there is one
    max_tokens: int = 160  # longest answer

    def __post_init__(self) -> None:
        if self.max_tokens < 1:
            raise WorldsimError(f"max_tokens={self.max_tokens}: an answer has 1 token or more.")


class TransformersExpander:
    """Asks one model about one prompt after the other, greedily: equal prompts get equal captions.

    The model is loaded when the first prompt needs it, from safetensors files only. One without a chat template is
    given the instruction as a text to go on with. Raises WorldsimError for a model that cannot be loaded.
    """

    def __init__(self, config: TransformersConfig, style: CaptionStyle | None):
        self.config, self.style = config, style

    def expand(self, prompts: Sequence[str]) -> list[str]:
        """The model's caption for each prompt; "" stays ""."""
        return [self._expand(prompt) if prompt.strip() else "" for prompt in prompts]

    def unused_words(self, prompt: str) -> list[str]:
        return []

    def _expand(self, prompt: str) -> str:
        import torch

        tokenizer, model = self._loaded
        if tokenizer.chat_template is None:
            inputs = tokenizer(completion(prompt, self.style), return_tensors="pt")
        else:
            inputs = tokenizer.apply_chat_template(
                messages(prompt, self.style), add_generation_prompt=True, return_dict=True, return_tensors="pt"
            )
        inputs = {key: inputs[key].to(model.device) for key in ("input_ids", "attention_mask")}
        with torch.inference_mode():
            out = model.generate(**inputs, max_new_tokens=self.config.max_tokens, do_sample=False)
        answer = tokenizer.decode(out[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
        caption = caption_in(answer)
        if not caption:
            raise WorldsimError(
                f"{self.config.model} wrote no caption for the prompt {prompt!r} (its answer is {answer!r}); "
                "try another model or a larger max_tokens=."
            )
        return caption

    @cached_property
    def _loaded(self) -> tuple[Any, Any]:
        """The tokenizer and the model."""
        transformers = import_transformers("expanding prompts with a local model")
        name = self.config.model
        options = {"revision": self.config.revision, "trust_remote_code": False}
        with loading(name, "a causal language model"):
            tokenizer = transformers.AutoTokenizer.from_pretrained(name, **options)
            model = transformers.AutoModelForCausalLM.from_pretrained(
                name, **options, dtype="auto", use_safetensors=True
            )
            return tokenizer, model.to(best_device(self.config.device)).eval()
