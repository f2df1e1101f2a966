"""Distances of pictures: detail counts, networks come by name, and what is missing is said."""

from __future__ import annotations

import sys

import pytest
import torch
import torch.nn.functional as F

from worldsim.core.errors import MissingDependencyError, UnknownNameError, WorldsimError
from worldsim.training.perceptual import make_distance


def picture() -> torch.Tensor:
    return torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1


def test_lost_detail_counts_more_than_a_change_of_brightness():
    x_N3HW = picture()
    blurred = F.avg_pool2d(F.pad(x_N3HW, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
    brighter = x_N3HW + (blurred - x_N3HW).square().mean().sqrt()  # as far away in squared error
    distance = make_distance("gradients")
    assert distance(x_N3HW, x_N3HW) == 0
    assert distance(brighter, x_N3HW) < 1e-6 < 0.1 < distance(blurred, x_N3HW)


def test_features_of_a_hugging_face_network(tmp_path):
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)
    config = transformers.ResNetConfig(embedding_size=4, hidden_sizes=[4, 8], depths=[1, 1], layer_type="basic")
    transformers.ResNetModel(config).save_pretrained(tmp_path)
    distance = make_distance(f"huggingface:{tmp_path}")
    x_N3HW, y_N3HW = picture(), picture().flip(-1).requires_grad_()
    assert distance(x_N3HW, x_N3HW) < 1e-10
    found = distance(y_N3HW, x_N3HW)
    found.backward()
    assert found > 1e-3 and y_N3HW.grad is not None and y_N3HW.grad.abs().sum() > 0


def test_what_is_missing_is_said(tmp_path, monkeypatch):
    with pytest.raises(UnknownNameError, match=r"'gradient'.*'gradients'"):
        make_distance("gradient")
    with pytest.raises(WorldsimError, match=r"weights of .*nothing cannot be loaded.*perceptual=gradients"):
        make_distance(f"huggingface:{tmp_path / 'nothing'}")
    monkeypatch.setitem(sys.modules, "torchvision", None)
    with pytest.raises(MissingDependencyError, match=r"worldsim\[perceptual\]"):
        make_distance("torchvision:vgg16")
