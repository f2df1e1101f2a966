"""Latents that move as the picture does."""

import dataclasses

import pytest
import torch
from small_runs import VAE_CONFIG

from worldsim.core.errors import WorldsimError
from worldsim.data.store import EpisodeTable
from worldsim.models.autoencoders import VAEConfig, load_autoencoder, to_signed
from worldsim.training.equivariance import draw_fields, move, move_together
from worldsim.training.vae import train_vae


def generator():
    return torch.Generator().manual_seed(0)


def test_frames_and_latents_move_by_the_same_field():
    """Latents that are the frames' own pixels in coarse squares: moved, they are the moved frames in coarse squares."""
    coarse = torch.nn.functional.interpolate(torch.randn(8, 3, 3, 3), (8, 8), mode="bicubic")
    frames = torch.nn.functional.interpolate(coarse, scale_factor=8, mode="bilinear")
    x, z = move_together(frames[:, None], coarse[:, None], 1.0, generator())
    shrunk = torch.nn.functional.avg_pool2d(x[:, 0], 8)
    still = (frames - x[:, 0]).abs().mean()
    assert (shrunk - z[:, 0]).abs().mean() < 0.25 * still


def test_a_share_of_the_clips_moves_all_frames_of_one_alike():
    x = torch.randn(64, 1, 3, 16, 16).expand(-1, 2, -1, -1, -1)
    moved, _ = move_together(x, torch.zeros(64, 2, 4, 4, 4), 0.5, generator())
    assert torch.equal(moved[:, 0], moved[:, 1])
    changed = (moved - x).abs().amax((1, 2, 3, 4)) > 1e-3
    assert 0.3 < changed.float().mean() < 0.7
    assert (move_together(x, x, 0.0, generator())[0] - x).abs().max() < 1e-5


def test_an_autoencoder_learns_to_move_its_latents(recording, tmp_path):
    """Moved latents are nearer to those of the moved picture than where that was never asked for."""
    frames = to_signed(torch.from_numpy(EpisodeTable.open(recording).read_episode(0).frames[:32]))
    field, errors = draw_fields(32, generator()), {}
    for share in (0.0, 0.9):
        config = dataclasses.replace(
            VAE_CONFIG, steps=150, moved_share=share, model=VAEConfig(latent_channels=4, widths=(12, 16), blocks=1)
        )
        vae = load_autoencoder(train_vae(config, [recording], tmp_path / str(share), progress=lambda line: None))
        with torch.no_grad():
            errors[share] = float((move(vae.encode(frames), field) - vae.encode(move(frames, field))).square().mean())
    assert errors[0.9] < 0.8 * errors[0.0]


def test_a_share_is_one():
    with pytest.raises(WorldsimError, match=r"moved_share=1\.5"):
        dataclasses.replace(VAE_CONFIG, moved_share=1.5)
