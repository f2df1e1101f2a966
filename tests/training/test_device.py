"""Training elsewhere than on the CPU, as far as a machine without a GPU can tell.

PyTorch's "meta" device has shapes and no numbers: arithmetic with a tensor that was left on the CPU fails there as it
would on a GPU.
"""

import pytest
import torch

from worldsim.core.errors import WorldsimError
from worldsim.models.autoencoders import VAE, VAEConfig
from worldsim.models.dit import DiT, DiTConfig
from worldsim.training.objective import Batch
from worldsim.training.simulator import step_loss
from worldsim.training.simulator_config import SimulatorTrainConfig
from worldsim.training.vae import VAETrainConfig, _reconstruction

CLIPS, FRAMES, CHANNELS = 4, 6, 3


def batch_of(channels):
    zeros = [torch.zeros(CLIPS, FRAMES - 1) for _ in range(3)]
    return Batch(torch.zeros(CLIPS, FRAMES, channels, 8, 8), torch.zeros(CLIPS, FRAMES - 1, CHANNELS), *zeros)


@pytest.mark.parametrize(("own_context_share", "camera"), [(0.0, None), (0.5, None), (0.0, (0, 1))])
def test_a_step_of_the_simulator_stays_on_its_device(own_context_share, camera):
    config = SimulatorTrainConfig(own_context_share=own_context_share, device="meta")
    shape = {"dim": 64, "depth": 2, "heads": 1, "window": 3}
    model = DiT(DiTConfig(action_channels=CHANNELS, **shape, motion=True, camera=camera)).to("meta")
    batch = batch_of(model.config.latent_channels).to("meta")
    with torch.device("meta"):
        loss, values = step_loss(model, config, batch, [], torch.Generator())
    loss.backward()
    found = {value.device.type for value in (loss, *values.values())}
    found |= {p.grad.device.type for p in model.parameters() if p.grad is not None}
    assert found == {"meta"}


def test_what_is_left_behind_fails_on_another_device():
    model = DiT(DiTConfig(action_channels=CHANNELS, dim=64, depth=2, heads=1, window=3, motion=True)).to("meta")
    batch = batch_of(model.config.latent_channels)
    with torch.device("meta"), pytest.raises(RuntimeError, match="not on the expected device"):
        step_loss(model, SimulatorTrainConfig(), batch, [], torch.Generator())


def test_a_step_of_the_autoencoder_stays_on_its_device(monkeypatch):
    config = VAETrainConfig(model=VAEConfig(widths=(8, 16, 16), blocks=1), precision="float32")
    monkeypatch.setattr(VAETrainConfig, "random_numbers", lambda *_: torch.Generator())
    vae = VAE(config.model).to("meta")
    x, y = _reconstruction(vae, config, torch.zeros(2, 2, 3, 16, 16, device="meta"), 0)
    assert x.device.type == y.device.type == "meta"


@pytest.mark.parametrize("device", ["cuda:97", "tpu"])
def test_a_device_that_is_not_there_is_refused(device):
    with pytest.raises(WorldsimError, match=f"device='{device}' cannot be used here; there is cpu"):
        SimulatorTrainConfig(device=device)
