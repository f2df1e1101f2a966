"""The autoencoder and weights on disk."""

import json

import pytest
import torch

from worldsim.core.errors import DamagedFileError, WorldsimError
from worldsim.models.autoencoders import VAE, VAEConfig, load_autoencoder, save_autoencoder, to_signed, to_uint8
from worldsim.models.checkpoint import load_weights, read_header, save_model

SMALL = VAEConfig(latent_channels=4, widths=(8, 8, 64))


def test_shapes_and_native_sizes():
    vae = VAE(SMALL)
    for height, width in ((64, 64), (48, 64), (8, 24)):
        z = vae.encode(torch.zeros(2, 3, height, width))
        assert z.shape == (2, 4, height // 8, width // 8)
        assert vae.decode(z).shape == (2, 3, height, width)


@pytest.mark.parametrize("widths", [(8,), (8, 12), (8, 8, 12, 16)])
def test_a_stage_for_each_halving(widths):
    vae, side = VAE(VAEConfig(latent_channels=4, widths=widths, blocks=1)), 64 // 2 ** len(widths)
    assert vae.spatial_stride == 2 ** len(widths)
    z = vae.encode(torch.zeros(1, 3, 64, 32))
    assert z.shape == (1, 4, side, side // 2)
    assert vae.decode(z).shape == (1, 3, 64, 32)


def test_a_size_that_cannot_be_encoded_names_the_nearest():
    with pytest.raises(WorldsimError, match=r"50x64.*48x64"):
        VAE(SMALL).encode(torch.zeros(1, 3, 50, 64))


def test_frames_survive_the_change_of_range():
    frames = torch.randint(0, 256, (3, 8, 8, 3), dtype=torch.uint8)
    assert torch.equal(to_uint8(to_signed(frames)), frames)
    assert torch.equal(to_uint8(to_signed(frames, torch.bfloat16)), frames)


def test_latents_are_normalised_after_measuring():
    torch.manual_seed(0)
    vae = VAE(SMALL)
    x = torch.rand(16, 3, 32, 32) * 2 - 1
    vae.measure_latents([x[:, None]])
    z = vae.encode(x)
    assert z.mean((0, 2, 3)).abs().max() < 1e-4
    assert (z.std((0, 2, 3)) - 1).abs().max() < 1e-3


@pytest.mark.parametrize(("storage", "bound"), [("float32", 1e-5), ("bfloat16", 0.01), ("int8", 0.03)])
def test_weights_round_trip(tmp_path, storage, bound):
    torch.manual_seed(0)
    vae = VAE(SMALL)
    save_autoencoder(tmp_path / "vae.safetensors", vae, storage)
    again = load_autoencoder(tmp_path / "vae.safetensors")
    assert again.config == SMALL
    x = torch.rand(2, 3, 32, 32)
    z = vae.encode(x)
    assert (again.encode(x) - z).abs().max() <= bound * z.abs().max()
    assert read_header(tmp_path / "vae.safetensors")["storage"] == storage


def test_eight_bit_storage_is_smaller(tmp_path):
    vae = VAE(SMALL)
    save_model(tmp_path / "a", vae, SMALL.__dict__, "int8")
    save_model(tmp_path / "b", vae, SMALL.__dict__, "bfloat16")
    assert (tmp_path / "a").stat().st_size < 0.7 * (tmp_path / "b").stat().st_size


def test_a_cut_file_is_named(tmp_path):
    path = tmp_path / "vae.safetensors"
    save_model(path, VAE(SMALL), SMALL.__dict__)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DamagedFileError, match=r"vae\.safetensors"):
        load_autoencoder(path)
    path.write_bytes(b"not a weights file at all, only some words")
    with pytest.raises(DamagedFileError, match=r"vae\.safetensors"):
        load_autoencoder(path)


def test_weights_of_another_shape_are_refused(tmp_path):
    path = tmp_path / "vae.safetensors"
    save_model(path, VAE(SMALL), SMALL.__dict__)
    with pytest.raises(DamagedFileError, match="does not hold the weights"):
        load_weights(path, VAE(VAEConfig(latent_channels=8, widths=(8, 8, 64))))
    assert json.dumps(read_header(path)["config"])
