"""Recipes small enough for tests."""

from worldsim.models.autoencoders import VAEConfig
from worldsim.training.simulator_config import SimulatorTrainConfig
from worldsim.training.vae import VAETrainConfig

SMALL_VAE = VAEConfig(latent_channels=4, widths=(12, 16, 16), blocks=1)
VAE_CONFIG = VAETrainConfig(steps=80, batch=8, save_every=10, warmup=5, threads=1, tracker="none", model=SMALL_VAE)
SIMULATOR_CONFIG = SimulatorTrainConfig(
    steps=80,
    batch=2,
    save_every=10,
    warmup=5,
    threads=1,
    frames=4,
    dim=32,
    depth=2,
    heads=2,
    window=3,
    tracker="none",
    samples=0,
)
