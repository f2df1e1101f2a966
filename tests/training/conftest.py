"""One small recording and one small run of each recipe, shared by the tests of this folder."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from small_runs import SIMULATOR_CONFIG, VAE_CONFIG

from worldsim.data.collect import collect
from worldsim.training.simulator import train_simulator
from worldsim.training.vae import train_vae


@pytest.fixture(scope="session")
def recording(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("data") / "arena.lance"
    collect("voxel/arena", "envs.policies.explorer:make_explorer", 3, out, max_steps=40, workers=1)
    return out


@pytest.fixture(scope="session")
def vae_run(recording, tmp_path_factory) -> Path:
    return train_vae(VAE_CONFIG, [recording], tmp_path_factory.mktemp("runs") / "vae", progress=lambda line: None)


@pytest.fixture(scope="session")
def simulator_run(recording, vae_run, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "simulator"
    return train_simulator(SIMULATOR_CONFIG, [recording], vae_run, out, progress=lambda line: None)
