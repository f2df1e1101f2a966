import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from stand_in import write_checkpoint

from worldsim.generate.generator import DiTVideoGenerator, load_generator
from worldsim.generate.sampler import SamplerConfig


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory) -> Path:
    return write_checkpoint(tmp_path_factory.mktemp("stand-in"))


@pytest.fixture(scope="session")
def generator(checkpoint) -> DiTVideoGenerator:
    return load_generator(checkpoint, SamplerConfig(steps=2), precision="float32")
