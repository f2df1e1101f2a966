"""A small random network that reads prompts, as a checkpoint: no step of it is trained, all of its parts count."""

import sys
from dataclasses import asdict
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "generate"))

from stand_in import write_checkpoint

from worldsim.models.checkpoint import save_model
from worldsim.models.dit import load_dit


@pytest.fixture(scope="session")
def random_checkpoint(tmp_path_factory) -> Path:
    return randomised(tmp_path_factory.mktemp("random"), sinks=1, motion=True)


def randomised(folder: Path, **network) -> Path:
    weights = write_checkpoint(folder, **network) / "dit.safetensors"
    dit = load_dit(weights)
    torch.manual_seed(1)
    with torch.no_grad():  # what starts at zero would hide what it does
        for parameter in dit.parameters():
            if not parameter.any():
                parameter.normal_(std=0.2)
    save_model(weights, dit, asdict(dit.config))
    return folder


@pytest.fixture(scope="session")
def make_random_checkpoint():
    return randomised
