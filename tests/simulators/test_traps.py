"""Traps seen in public code that have no better place; the others are tested where they belong:

- context relabelled as noisy without being noised: models/test_dit.py (context_noise_is_real), test_dit_simulator.py
  (context_is_really_noised), training/test_objective.py (really_noised_to_their_labels)
- a sampler that overwrites the sample: diffusion/test_flow.py (euler_steps_the_sample)
- bootstrap targets that carry gradient: training/test_objective.py (shortcut_goal)
- one seed for all slots: test_dit_simulator.py (slots_do_not_depend, the_same_seed)
- the action of frame t applied to frame t: models/test_dit.py (action_t_leads_to_frame_t_plus_1)
- the frame rate of a file: cli/test_cli_generate.py, cli/test_cli_rollout.py
"""

from __future__ import annotations

from dataclasses import asdict

import gymnasium
import numpy as np
import pytest
import torch
from stand_in import CODEC, write_checkpoint

from worldsim.generate.generator import load_generator
from worldsim.generate.sampler import SamplerConfig
from worldsim.generate.tasks import join
from worldsim.models.autoencoders import VAE, VAEConfig, save_autoencoder
from worldsim.models.checkpoint import save_model
from worldsim.models.dit import DiT, DiTConfig
from worldsim.simulators.checkpoints import find_checkpoint, shipped_names


@pytest.mark.parametrize("channel", ["left", "right", "camera_yaw_right_deg"])
def test_a_checkpoints_strafe_strafes_and_its_turn_turns(channel):
    """What the shipped network was told is what the game does: sideways without turning, or turning on the spot."""
    codec = find_checkpoint("voxel-base").codec
    game = gymnasium.make("voxel/arena").unwrapped
    game.reset(seed=4)
    before = game.ground_truth().camera.T_world_camera
    for _ in range(3):
        game.step(codec.decode(codec.vector(**{channel: 1 if channel != "camera_yaw_right_deg" else 8})))
    change = np.linalg.inv(before) @ game.ground_truth().camera.T_world_camera  # right, down, forward
    yaw_right_deg = np.rad2deg(np.arctan2(change[0, 2], change[2, 2]))
    if channel == "camera_yaw_right_deg":
        assert yaw_right_deg == pytest.approx(24, abs=0.01)
        assert np.allclose(change[:3, 3], 0, atol=1e-6)
    else:
        assert yaw_right_deg == pytest.approx(0, abs=0.01)
        assert np.sign(change[0, 3]) == (1 if channel == "right" else -1)
        assert abs(change[0, 3]) > 5 * abs(change[2, 3])


@pytest.mark.parametrize("name", shipped_names())
def test_the_frame_rate_of_a_checkpoint_is_its_games(name):
    config = find_checkpoint(name).config
    for env_id in config["env_ids"]:
        assert config["fps"] == gymnasium.make(env_id, **config["env_kwargs"]).metadata["render_fps"]


def test_frames_are_counted_and_not_their_latents(tmp_path):
    """Nine frames asked for are nine frames made, of the five latents that a temporal stride of 2 makes of them."""
    folder = write_checkpoint(tmp_path)
    torch.manual_seed(0)
    autoencoder = VAE(VAEConfig(latent_channels=4, widths=(8, 8, 8), blocks=1, temporal_stride=2)).eval()
    save_autoencoder(folder / "vae.safetensors", autoencoder)
    config = DiTConfig(2 * len(CODEC), latent_channels=4, dim=16, depth=1, heads=2, window=4, joint=True)
    save_model(folder / "dit.safetensors", DiT(config), asdict(config))
    generator = load_generator(folder, SamplerConfig(steps=1), precision="float32")
    latents = []
    decode = generator.autoencoder.decode_clip
    generator.autoencoder.decode_clip = lambda z: latents.append(z.shape[1]) or decode(z)
    assert generator.generate([join(9, size=(32, 48))], [""], [0])[0].shape == (9, 32, 48, 3)
    assert latents == [5]
