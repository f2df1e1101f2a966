"""Other people's autoencoders: any ``AutoencoderKL*`` of diffusers, of images or of video, by name or folder.

They stay as they are. A weights file of ours holds their name and the normalisation of their latents, which is that of
the pipelines they were made for: means and deviations a channel, or a shift and a scaling factor.
"""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from worldsim.core.errors import MissingDependencyError, WorldsimError
from worldsim.models.autoencoders.base import Autoencoder, ClipState, per_channel

PREFIX = "diffusers:"
_PROBE_PX, _PROBE_FRAMES = 64, 17


class DiffusersAutoencoder(Autoencoder):
    """Frozen; ``source`` is a Hugging Face name or a folder, of the autoencoder or of a pipeline that has one.

    Video models must treat the first frame alone (Wan, CogVideoX, HunyuanVideo, ... do) and encode whole clips only.
    Raises WorldsimError when there is no such model or it is of another kind.
    """

    latent_mean: Tensor
    latent_std: Tensor

    def __init__(self, source: str):
        super().__init__()
        self.source = str(Path(source).resolve()) if Path(source).is_dir() else source
        self.wrapped = _load(self.source)
        self.of_video = any(isinstance(layer, nn.Conv3d) for layer in self.wrapped.encoder.modules())
        # AutoencoderKLTemporalDecoder encodes images and decodes clips of any length; one frame at a time it streams.
        decoded_frames = "num_frames" in inspect.signature(self.wrapped.decode).parameters
        self._decode_options = {"num_frames": 1} if decoded_frames else {}
        self._measure_strides()
        mean_C, std_C = _normalisation(self.wrapped, self.latent_channels)
        self.register_buffer("latent_mean", mean_C)
        self.register_buffer("latent_std", std_C)
        self.register_state_dict_post_hook(_without_wrapped)
        self.register_load_state_dict_post_hook(_expect_no_wrapped)

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> DiffusersAutoencoder:
        return cls(config["source"])

    def saved_config(self) -> dict[str, Any]:
        return {"source": self.source}

    def encode(self, x_B3HW: Tensor) -> Tensor:
        if self.of_video:
            return self.encode_clip(x_B3HW[:, None])[:, 0]
        self.check_size(*x_B3HW.shape[-2:])
        mean_BChw = self.wrapped.encode(x_B3HW).latent_dist.mode()
        return (mean_BChw - per_channel(self.latent_mean, mean_BChw)) / per_channel(self.latent_std, mean_BChw)

    def decode(self, z_BChw: Tensor) -> Tensor:
        if self.of_video:
            return self.decode_clip(z_BChw[:, None])[:, 0]
        mean_BChw = z_BChw * per_channel(self.latent_std, z_BChw) + per_channel(self.latent_mean, z_BChw)
        return self.wrapped.decode(mean_BChw, **self._decode_options).sample

    def encode_clip(self, x_BT3HW: Tensor) -> Tensor:
        if not self.of_video:
            return super().encode_clip(x_BT3HW)
        self.latent_frames(x_BT3HW.shape[1])
        self.check_size(*x_BT3HW.shape[-2:])
        mean_BSChw = self.wrapped.encode(x_BT3HW.transpose(1, 2)).latent_dist.mode().transpose(1, 2)
        return (mean_BSChw - per_channel(self.latent_mean, mean_BSChw)) / per_channel(self.latent_std, mean_BSChw)

    def decode_clip(self, z_BSChw: Tensor) -> Tensor:
        if not self.of_video:
            return super().decode_clip(z_BSChw)
        mean_BSChw = z_BSChw * per_channel(self.latent_std, z_BSChw) + per_channel(self.latent_mean, z_BSChw)
        return self.wrapped.decode(mean_BSChw.transpose(1, 2)).sample.transpose(1, 2)

    def encode_next(self, x_B3HW: Tensor, state: ClipState | None) -> tuple[Tensor | None, ClipState]:
        self._require_images()
        return super().encode_next(x_B3HW, state)

    def decode_next(self, z_BChw: Tensor, state: ClipState | None) -> tuple[Tensor, ClipState]:
        self._require_images()
        return super().decode_next(z_BChw, state)

    def _require_images(self) -> None:
        if self.of_video:
            raise WorldsimError(
                f"{self.source} ({type(self.wrapped).__name__}) cannot encode or decode a stream: diffusers gives no "
                "access to what it remembers. Encode whole clips, or take an autoencoder of recipe=vae."
            )

    @torch.no_grad()
    def _measure_strides(self) -> None:
        shape = (1, 3, _PROBE_FRAMES, _PROBE_PX, _PROBE_PX) if self.of_video else (1, 3, _PROBE_PX, _PROBE_PX)
        mean = self.wrapped.encode(torch.zeros(shape)).latent_dist.mode()
        self.latent_channels = mean.shape[1]
        self.spatial_stride = _PROBE_PX // mean.shape[-1]
        if self.of_video:
            later = mean.shape[2] - 1
            if later < 1 or (_PROBE_FRAMES - 1) % later:
                raise WorldsimError(
                    f"{self.source} ({type(self.wrapped).__name__}) makes {mean.shape[2]} latents of {_PROBE_FRAMES} "
                    "frames; only models whose first latent is one frame alone can be used."
                )
            self.temporal_stride = (_PROBE_FRAMES - 1) // later


def _load(source: str) -> Any:
    try:
        import diffusers
    except ImportError as error:
        raise MissingDependencyError("diffusers", "diffusers", f"the autoencoder {PREFIX}{source}") from error
    try:
        folder, config = _find(diffusers, source)
        name = config.get("_class_name", "model without a class")
        if not name.startswith("AutoencoderKL") or name.endswith("Audio") or not hasattr(diffusers, name):
            raise WorldsimError(f"{source} holds a {name}; only AutoencoderKL* of images or video can be used.")
        kind = getattr(diffusers, name)
        model = kind.from_pretrained(source, subfolder=folder, torch_dtype=torch.float32, low_cpu_mem_usage=False)
    except OSError as error:
        reason = str(error).strip().splitlines()[0]
        raise WorldsimError(
            f"{PREFIX}{source} cannot be loaded ({reason}); give the name of a Hugging Face repository or a folder "
            "that holds an autoencoder's config.json and weights, or a pipeline with a folder vae/ of them."
        ) from error
    return model.eval().requires_grad_(False)


def _find(diffusers: Any, source: str) -> tuple[str, dict[str, Any]]:
    """The folder within the repository that holds the autoencoder, and its configuration."""
    try:
        return "", diffusers.AutoencoderKL.load_config(source)
    except OSError:
        return "vae", diffusers.AutoencoderKL.load_config(source, subfolder="vae")


def _normalisation(model: Any, channels: int) -> tuple[Tensor, Tensor]:
    """Mean and deviation (C,) of each channel of the latents, as the model's own pipelines take them."""
    # LTX has means and deviations among its tensors, others in their configuration, the rest only a shift and a scale.
    known = {**model.config, **dict(model.named_buffers())}
    scale, shift = known.get("scaling_factor") or 1.0, known.get("shift_factor") or 0.0
    mean, std = known.get("latents_mean"), known.get("latents_std")
    if mean is None or std is None:
        mean, std = [shift] * channels, [1.0] * channels
    return torch.as_tensor(mean).float().clone(), torch.as_tensor(std).float() / scale


def _without_wrapped(module: nn.Module, state: dict[str, Any], prefix: str, _metadata: Any) -> None:
    for name in [name for name in state if name.startswith(f"{prefix}wrapped.")]:
        del state[name]


def _expect_no_wrapped(module: nn.Module, incompatible: Any) -> None:
    incompatible.missing_keys[:] = [name for name in incompatible.missing_keys if "wrapped." not in name]
