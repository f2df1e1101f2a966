"""A simulator whose network knows text makes videos from prompts, for who can only be handed a simulator."""

import numpy as np
from stand_in import SIZE, write_checkpoint

from worldsim.core.protocols import MakesFromText
from worldsim.generate.generator import load_generator
from worldsim.generate.sampler import SamplerConfig
from worldsim.generate.tasks import join
from worldsim.simulators import load
from worldsim.simulators.dit import TEXT_GUIDANCE, TEXT_STEPS


def test_it_is_what_generate_makes(checkpoint):
    simulator = load(checkpoint, precision="float32")
    assert isinstance(simulator, MakesFromText) and simulator.describe()["text"] is True
    videos = simulator.from_text(["a red tower", "night"], [3, 3], 5, SIZE)
    generator = load_generator(checkpoint, SamplerConfig(TEXT_STEPS, guidance=TEXT_GUIDANCE), precision="float32")
    expected = generator.generate([join(5, size=SIZE)], ["a red tower"], [3])
    assert len(videos) == 2 and videos[0].shape == (5, *SIZE, 3)
    np.testing.assert_array_equal(videos[0], expected[0])


def test_a_network_without_text_does_not_say_so(tmp_path):
    simulator = load(write_checkpoint(tmp_path, text=None))
    assert "text" not in simulator.describe()
