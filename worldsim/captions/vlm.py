"""Captions from a vision-language model that runs here, through transformers."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any

from worldsim.captions import prompt
from worldsim.captions.clip import Clip
from worldsim.captions.images import check_shown, shown_frames
from worldsim.core.errors import MissingDependencyError, WorldsimError
from worldsim.text.pretrained import best_device, loading


@dataclass(frozen=True, kw_only=True)
class VlmConfig:
    """Settings of :class:`VlmCaptioner`."""

    model: str  # folder, or name on the Hugging Face hub, of a model that takes images and chats
    revision: str | None = None  # commit, branch or tag on the hub
    device: str = "auto"  # auto: the GPU where there is one
    images: int = 8  # frames of a clip that the model is shown
    image_px: int = 256  # shorter side that small frames are enlarged to
    facts: bool = True  # tell the model what the recording knows of the clip
    prompt: str | None = None  # text in place of the built-in one; {images}, {seconds} and {facts} are filled in
    max_tokens: int = 320  # longest answer

    def __post_init__(self) -> None:
        check_shown(self.images, self.image_px)
        if self.max_tokens < 1:
            raise WorldsimError(f"max_tokens={self.max_tokens}: an answer has 1 token or more.")


class VlmCaptioner:
    """Asks one model about one clip after the other, greedily: equal clips get equal captions.

    The model is loaded when the first clip needs it, from safetensors files only.
    Raises WorldsimError for a model that cannot be loaded or cannot be asked about images.
    """

    version = prompt.VERSION
    parallel = 1

    def __init__(self, config: VlmConfig, name: str = ""):
        self.config = config
        self.name = name or f"vlm-{PurePosixPath(config.model.rstrip('/')).name}"

    def settings(self) -> dict[str, Any]:
        decides = asdict(self.config)
        del decides["device"]
        return {"captioner": "vlm", **decides}

    def caption(self, clip: Clip) -> list[str]:
        """The captions of the model's answer."""
        frames = shown_frames(clip, self.config.images, self.config.image_px)
        answer = self._answer(frames, prompt.prompt_for(clip, len(frames), self.config.prompt, self.config.facts))
        texts = prompt.captions_in(answer)
        if not texts:
            raise WorldsimError(
                f"{self.config.model} has nothing to say about episode {clip.place.episode}, frame {clip.place.start} "
                f"(its answer is {answer!r}); try another model, prompt= or max_tokens=."
            )
        return texts

    def _answer(self, frames: Any, text: str) -> str:
        import torch
        from PIL import Image

        processor, model = self._loaded
        content = [{"type": "image", "image": Image.fromarray(frame)} for frame in frames]
        messages = [{"role": "user", "content": [*content, {"type": "text", "text": text}]}]
        inputs = processor.apply_chat_template(
            messages, add_generation_prompt=True, tokenize=True, return_dict=True, return_tensors="pt"
        ).to(model.device, dtype=model.dtype)
        with torch.inference_mode():
            out = model.generate(**inputs, max_new_tokens=self.config.max_tokens, do_sample=False)
        answer = out[:, inputs["input_ids"].shape[1] :]
        return processor.batch_decode(answer, skip_special_tokens=True)[0]

    @cached_property
    def _loaded(self) -> tuple[Any, Any]:
        """The processor and the model."""
        try:
            import PIL  # noqa: F401
            import transformers
        except ImportError as error:
            raise MissingDependencyError(
                "transformers and pillow", "captions", "captioning with a local model"
            ) from error
        config = self.config
        with loading(config.model, "a model for image-text-to-text"):
            processor = transformers.AutoProcessor.from_pretrained(config.model, revision=config.revision)
            model: Any = transformers.AutoModelForImageTextToText.from_pretrained(
                config.model, revision=config.revision, dtype="auto", use_safetensors=True
            )
            model.to(best_device(config.device)).eval()
        if getattr(processor, "chat_template", None) is None:
            raise WorldsimError(
                f"the model {config.model!r} has no chat template, so it cannot be asked about frames; "
                "choose one that was tuned for instructions."
            )
        return processor, model
