"""What a diffusion transformer is built of, and how it is told from a weights file's header."""

from __future__ import annotations

from dataclasses import dataclass

from worldsim.core.errors import WorldsimError
from worldsim.models.text import TextConfig


@dataclass(frozen=True)
class DiTConfig:
    """``window`` is how many past frames a frame attends to, in training and in rollouts alike.

    The first ``sinks`` frames of a streaming clip stay visible for ever, as if they stood just before the window.

    What a network can do beyond streaming is part of it: ``joint`` clips, ``text``, large ``shortcut`` steps; and
    whether it is shown what was seen of each place before, moved as the actions move it (``motion``), for which it
    should know the action channels that pitch a ``camera`` down and yaw it right, where there is one, and those of
    ``hands``, which do something to the world; and then whether it says where each place comes from (``displaced``).
    """

    action_channels: int
    latent_channels: int = 16
    dim: int = 256
    depth: int = 8
    heads: int = 4
    mlp_ratio: int = 4
    patch: int = 2
    window: int = 12
    sinks: int = 0
    reward_bins: int = 41
    joint: bool = False
    shortcut: bool = False
    motion: bool = False
    displaced: bool = False
    camera: tuple[int, int] | None = None
    hands: tuple[int, ...] = ()
    text: TextConfig | None = None
    text_every: int = 2  # blocks, the last of which attends to the text

    def __post_init__(self) -> None:
        if self.dim % self.heads or (self.dim // self.heads) % 2:
            raise WorldsimError(f"dim={self.dim} must be an even multiple of heads={self.heads}")
        for name in ("action_channels", "latent_channels", "depth", "mlp_ratio", "patch", "window", "text_every"):
            if getattr(self, name) < 1:
                raise WorldsimError(f"{name}={getattr(self, name)} must be at least 1")
        if self.displaced and not self.motion:
            raise WorldsimError("displaced=true moves the frame that motion=true shows; give both or neither.")
        if self.sinks < 0:
            raise WorldsimError(f"sinks={self.sinks} must be 0 or more")

    def has_text(self, block: int) -> bool:
        """Whether block number ``block`` attends to the text."""
        return self.text is not None and block % self.text_every == self.text_every - 1


def config_from_plain(plain: dict) -> DiTConfig:
    """The configuration from a weights file's header."""
    text, camera = plain.get("text"), plain.get("camera")
    inner = {
        "text": text and TextConfig(**{**text, "words": tuple(text["words"])}),
        "camera": camera and tuple(camera),
        "hands": tuple(plain.get("hands", ())),
    }
    return DiTConfig(**{**plain, **inner})
