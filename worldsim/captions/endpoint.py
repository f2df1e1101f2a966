"""Captions from a model behind an OpenAI-compatible endpoint that takes images."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import PurePosixPath
from typing import Any

from worldsim.captions import prompt
from worldsim.captions.clip import Clip
from worldsim.captions.images import MIME, check_shown, data_url, shown_frames
from worldsim.core.errors import UnknownNameError
from worldsim.text.chat import Chat, ChatConfig


@dataclass(frozen=True, kw_only=True)
class EndpointConfig(ChatConfig):
    """Settings of :class:`EndpointCaptioner`."""

    images: int = 8  # frames of a clip that the model is shown
    image_px: int = 256  # shorter side that small frames are enlarged to
    image_format: str = "png"  # png or jpeg
    facts: bool = True  # tell the model what the recording knows of the clip
    prompt: str | None = None  # text in place of the built-in one; {images}, {seconds} and {facts} are filled in

    def __post_init__(self) -> None:
        super().__post_init__()
        check_shown(self.images, self.image_px)
        if self.image_format not in MIME:
            raise UnknownNameError("image format", self.image_format, MIME)


class EndpointCaptioner:
    """Asks the endpoint about each clip, ``parallel`` at a time."""

    version = prompt.VERSION

    def __init__(self, config: EndpointConfig, name: str = ""):
        self.config, self.parallel = config, config.parallel
        self.name = name or f"endpoint-{PurePosixPath(config.model).name}"
        self._chat = Chat(config, "caption")

    def settings(self) -> dict[str, Any]:
        """What decides the texts; neither the key nor how patiently they are asked for."""
        kept = ("model", "images", "image_px", "image_format", "facts", "prompt", "max_tokens", "temperature")
        return {"captioner": "endpoint", **{key: asdict(self.config)[key] for key in kept}}

    def caption(self, clip: Clip) -> list[str]:
        """The captions of the model's answer; WorldsimError when there is none after the last retry."""
        config = self.config
        frames = shown_frames(clip, config.images, config.image_px)
        images = [{"type": "image_url", "image_url": {"url": data_url(frame, config.image_format)}} for frame in frames]
        text = prompt.prompt_for(clip, len(frames), config.prompt, config.facts)
        content = [{"type": "text", "text": text}, *images]
        return self._chat.ask([{"role": "user", "content": content}], _captions, salt=clip.place.row)


def _captions(answer: str, cut_off: bool) -> list[str]:
    texts = prompt.captions_in(answer)
    if texts and cut_off:  # the last caption ends in the middle
        texts[-1] = texts[-1][: max(map(texts[-1].rfind, ".!?")) + 1] or texts[-1]
    return texts
