"""The former place of the autoencoder; see :mod:`worldsim.models.autoencoders`."""

from pathlib import Path

from worldsim.models.autoencoders import VAE, VAEConfig, load_autoencoder, to_signed, to_uint8

__all__ = ["VAE", "VAEConfig", "load_vae", "to_signed", "to_uint8"]


def load_vae(path: Path) -> VAE:
    vae = load_autoencoder(path)
    assert isinstance(vae, VAE)
    return vae
