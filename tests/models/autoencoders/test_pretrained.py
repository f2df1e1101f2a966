"""Autoencoders of diffusers behind our interface: tiny ones, made at random and saved to a folder."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

from worldsim.core.errors import MissingDependencyError, WorldsimError
from worldsim.models.autoencoders import DiffusersAutoencoder, load_autoencoder, save_autoencoder

diffusers = pytest.importorskip("diffusers")

IMAGE = {
    "block_out_channels": (8, 8, 8),
    "down_block_types": ("DownEncoderBlock2D",) * 3,
    "up_block_types": ("UpDecoderBlock2D",) * 3,
    "norm_num_groups": 4,
    "latent_channels": 4,
    "scaling_factor": 0.5,
    "shift_factor": 0.1,
}
WAN = {"base_dim": 4, "z_dim": 4, "dim_mult": [1, 1, 1, 1], "num_res_blocks": 1}
COG = {
    "block_out_channels": (8, 8, 8, 8),
    "norm_num_groups": 4,
    "latent_channels": 4,
    "layers_per_block": 1,
    "scaling_factor": 0.7,
}
TEMPORAL_DECODER = {
    "block_out_channels": (32, 32),
    "down_block_types": ("DownEncoderBlock2D",) * 2,
    "layers_per_block": 1,
    "latent_channels": 4,
}


def saved(name: str, folder: Path, **config) -> DiffusersAutoencoder:
    torch.manual_seed(0)
    getattr(diffusers, name)(**config).save_pretrained(folder)
    autoencoder = load_autoencoder(f"diffusers:{folder}")
    assert isinstance(autoencoder, DiffusersAutoencoder)
    return autoencoder


@torch.no_grad()
def test_an_image_autoencoder_with_its_own_scale(tmp_path):
    autoencoder = saved("AutoencoderKL", tmp_path / "pipeline" / "vae", **IMAGE)
    assert (autoencoder.spatial_stride, autoencoder.temporal_stride, autoencoder.latent_channels) == (4, 1, 4)
    x_BT3HW = torch.rand(2, 3, 3, 16, 24) * 2 - 1
    z_BSChw = autoencoder.encode_clip(x_BT3HW)
    theirs = (autoencoder.wrapped.encode(x_BT3HW[0]).latent_dist.mode() - 0.1) * 0.5
    torch.testing.assert_close(z_BSChw[0], theirs, atol=1e-5, rtol=0)
    torch.testing.assert_close(
        autoencoder.decode_clip(z_BSChw)[0], autoencoder.wrapped.decode(theirs / 0.5 + 0.1).sample, atol=1e-5, rtol=0
    )
    frame, _ = autoencoder.decode_next(z_BSChw[:, 1], None)
    torch.testing.assert_close(frame[:, 0], autoencoder.decode_clip(z_BSChw)[:, 1], atol=1e-5, rtol=0)
    with pytest.raises(WorldsimError, match=r"18x24.*nearest size is 16x24"):
        autoencoder.encode(torch.zeros(1, 3, 18, 24))
    # A pipeline's folder has the autoencoder in vae/.
    assert load_autoencoder(f"diffusers:{tmp_path / 'pipeline'}").latent_channels == 4


@torch.no_grad()
@pytest.mark.parametrize(("name", "config"), [("AutoencoderKLWan", WAN), ("AutoencoderKLCogVideoX", COG)])
def test_a_video_autoencoder(tmp_path, name, config):
    if name == "AutoencoderKLWan":
        config = {**config, "latents_mean": [0.1, 0.2, 0.3, 0.4], "latents_std": [1.0, 2.0, 3.0, 4.0]}
    autoencoder = saved(name, tmp_path, **config)
    assert (autoencoder.spatial_stride, autoencoder.temporal_stride, autoencoder.latent_channels) == (8, 4, 4)
    x_BT3HW = torch.rand(1, 9, 3, 16, 24) * 2 - 1
    z_BSChw = autoencoder.encode_clip(x_BT3HW)
    assert z_BSChw.shape == (1, 3, 4, 2, 3)
    assert autoencoder.decode_clip(z_BSChw).shape == x_BT3HW.shape
    theirs = autoencoder.wrapped.encode(x_BT3HW.transpose(1, 2)).latent_dist.mode()[0, 3]
    expected = (theirs - 0.4) / 4 if name == "AutoencoderKLWan" else theirs * 0.7
    torch.testing.assert_close(z_BSChw[0, :, 3], expected, atol=1e-5, rtol=0)
    assert autoencoder.decode(autoencoder.encode(x_BT3HW[:, 0])).shape == (1, 3, 16, 24)
    with pytest.raises(WorldsimError, match=r"a clip of 8 frames.*5 and 9"):
        autoencoder.encode_clip(x_BT3HW[:, :8])
    with pytest.raises(WorldsimError, match="cannot encode or decode a stream"):
        autoencoder.decode_next(z_BSChw[:, 0], None)


@torch.no_grad()
def test_a_decoder_of_clips_is_used_frame_by_frame(tmp_path):
    autoencoder = saved("AutoencoderKLTemporalDecoder", tmp_path, **TEMPORAL_DECODER)
    z_BSChw = torch.randn(2, 3, 4, 4, 4)
    assert autoencoder.decode_clip(z_BSChw).shape == (2, 3, 3, 8, 8)


def test_a_weights_file_holds_its_name_alone(tmp_path):
    autoencoder = saved("AutoencoderKL", tmp_path / "theirs", **IMAGE)
    save_autoencoder(tmp_path / "vae.safetensors", autoencoder)
    assert (tmp_path / "vae.safetensors").stat().st_size < 2000
    again = load_autoencoder(tmp_path / "vae.safetensors")
    x_B3HW = torch.rand(1, 3, 16, 16)
    assert torch.equal(again.encode(x_B3HW), autoencoder.encode(x_B3HW))
    assert all(not parameter.requires_grad for parameter in again.parameters())


def test_what_cannot_be_used_is_named(tmp_path, monkeypatch):
    (tmp_path / "empty").mkdir()
    with pytest.raises(WorldsimError, match=r"empty cannot be loaded .*config\.json"):
        load_autoencoder(f"diffusers:{tmp_path / 'empty'}")
    diffusers.VQModel(block_out_channels=(32,)).save_pretrained(tmp_path / "vq")
    with pytest.raises(WorldsimError, match="holds a VQModel"):
        load_autoencoder(f"diffusers:{tmp_path / 'vq'}")
    monkeypatch.setitem(sys.modules, "diffusers", None)
    with pytest.raises(MissingDependencyError, match=r"worldsim\[diffusers\]"):
        load_autoencoder("diffusers:stabilityai/sd-vae-ft-mse")
