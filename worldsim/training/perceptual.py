"""How far apart two pictures look, by name: an embedded measure, or features of a network where weights exist.

- ``gradients``: absolute error of brightness changes to the right and down, at three scales. Needs no weights.
- ``torchvision:vgg16`` and other VGGs: squared distance of unit features before each pooling, as LPIPS (Zhang et al.
  2018) without its linear layers.
- ``huggingface:NAME_OR_FOLDER``: the same of the hidden states of a vision model, such as microsoft/resnet-18.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from worldsim.core.errors import MissingDependencyError, UnknownNameError, WorldsimError

Distance = Callable[[Tensor, Tensor], Tensor]  # two batches of pictures (N, 3, H, W) in [-1, 1] to one number

_SCALES = 3
# Of ImageNet's pictures in [0, 1], which the networks were trained on.
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def make_distance(name: str, device: str = "cpu") -> Distance:
    """The distance of a name; UnknownNameError, MissingDependencyError, or WorldsimError where weights are missing."""
    kind, _, network = name.partition(":")
    if name == "gradients":
        return gradients
    if network and kind == "torchvision":
        return FeatureDistance(_vgg(network, device)).to(device)
    if network and kind == "huggingface":
        return FeatureDistance(_hugging_face(network, device)).to(device)
    raise UnknownNameError("perceptual term", name, ["gradients", "torchvision:vgg16", "huggingface:NAME_OR_FOLDER"])


def gradients(y_N3HW: Tensor, x_N3HW: Tensor) -> Tensor:
    error_N3HW, total = y_N3HW - x_N3HW, y_N3HW.new_zeros(())
    for scale in range(_SCALES):
        if scale:
            error_N3HW = F.avg_pool2d(error_N3HW, 2)
        total = total + error_N3HW.diff(dim=-1).abs().mean() + error_N3HW.diff(dim=-2).abs().mean()
    return total / _SCALES


class FeatureDistance(nn.Module):
    """Mean squared distance of unit features, averaged over layers."""

    mean: Tensor
    std: Tensor

    def __init__(self, features: Callable[[Tensor], list[Tensor]]):
        super().__init__()
        self.features = features
        self.register_buffer("mean", torch.tensor(_MEAN)[:, None, None])
        self.register_buffer("std", torch.tensor(_STD)[:, None, None])

    def forward(self, y_N3HW: Tensor, x_N3HW: Tensor) -> Tensor:
        pictures = ((torch.cat((y_N3HW, x_N3HW)) + 1) / 2 - self.mean) / self.std
        distances = []
        for feature in self.features(pictures):
            channels = 1 if feature.ndim == 4 else -1  # (N, C, h, w) of convolutions, (N, tokens, C) of transformers
            y, x = F.normalize(feature.float(), dim=channels).chunk(2)
            distances.append((y - x).square().sum(channels).mean())
        return torch.stack(distances).mean()


def _vgg(name: str, device: str) -> Callable[[Tensor], list[Tensor]]:
    try:
        import torchvision
    except ImportError as error:
        raise MissingDependencyError("torchvision", "perceptual", f"the perceptual term torchvision:{name}") from error
    names = [one for one in torchvision.models.list_models() if one.startswith("vgg")]
    if name not in names:
        raise UnknownNameError("VGG of torchvision", name, names)
    layers = _with_weights(name, lambda: torchvision.models.get_model(name, weights="DEFAULT"), device).features

    def features(pictures_N3HW: Tensor) -> list[Tensor]:
        found = []
        for layer in layers:
            if isinstance(layer, nn.MaxPool2d):
                found.append(pictures_N3HW)
            pictures_N3HW = layer(pictures_N3HW)
        return found

    return features


def _hugging_face(name: str, device: str) -> Callable[[Tensor], list[Tensor]]:
    try:
        from transformers import AutoModel
    except ImportError as error:
        raise MissingDependencyError("transformers", "captions", f"the perceptual term huggingface:{name}") from error
    model = _with_weights(name, lambda: AutoModel.from_pretrained(name), device)
    return lambda pictures_N3HW: list(model(pixel_values=pictures_N3HW, output_hidden_states=True).hidden_states)


def _with_weights(name: str, load: Callable[[], Any], device: str) -> Any:
    """A frozen network; WorldsimError when its weights are neither on this machine nor to be had."""
    try:
        return load().eval().requires_grad_(False).to(device)
    except (OSError, ValueError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[0]
        raise WorldsimError(
            f"the weights of {name} cannot be loaded ({reason}); connect once to download them, name a folder that "
            "holds them, or take perceptual=gradients, which needs none."
        ) from error
