"""The frame before, moved by the action: untrained not at all, trained to where the action takes it."""

import dataclasses

import pytest
import torch

from worldsim.models.checkpoint import fill_weights, save_model
from worldsim.models.clips import JointClips, StreamClips
from worldsim.models.dit import DiT, DiTConfig
from worldsim.models.motion import Motion

CONFIG = DiTConfig(action_channels=2, latent_channels=4, dim=32, depth=1, heads=1, window=3)
RIGHT, DOWN = 0, 1


@pytest.fixture
def motion():
    """Action 0 turns right by a quarter of the frame, action 1 down by an eighth: the picture moves the other way."""
    motion = Motion(2, dim=32, token=16, patch=2)
    with torch.no_grad():
        motion.field[RIGHT, 0, 0] = 0.5  # of half a side
        motion.field[DOWN, 0, 1] = 0.25
    return motion


def act(right=0.0, down=0.0):
    return torch.tensor([[right, down]])


def test_a_turn_moves_the_picture_against_it(motion):
    z = torch.randn(1, 4, 8, 8)
    right = motion.moved(z, act(right=1), torch.ones(1))
    assert torch.allclose(right[..., :-2], z[..., 2:], atol=1e-5)
    assert torch.allclose(right[..., -2:], z[..., -1:].expand(-1, -1, -1, 2), atol=1e-5)  # beyond the edge: the edge
    down = motion.moved(z, act(down=1), torch.ones(1))
    assert torch.allclose(down[:, :, :-1], z[:, :, 1:], atol=1e-5)
    back = motion.moved(z, act(right=-0.5), torch.ones(1))
    assert torch.allclose(back[..., 1:], z[..., :-1], atol=1e-5)


def test_what_is_not_known_moves_nothing(motion):
    z = torch.randn(1, 4, 8, 8)
    assert torch.allclose(motion.moved(z, act(right=1), torch.zeros(1)), z, atol=1e-5)
    assert torch.allclose(motion.moved(z, act(), torch.ones(1)), z, atol=1e-5)


def test_half_precision_is_given_back_as_it_came(motion):
    moved = motion.moved(torch.randn(1, 4, 8, 8).bfloat16(), act(right=1).bfloat16(), torch.ones(1).bfloat16())
    assert moved.dtype == torch.bfloat16


def test_a_field_is_learned_from_what_it_explains():
    """A camera that turns by an eighth of the frame for each unit of action 0: found from pairs of pictures."""
    torch.manual_seed(0)
    motion, truth = Motion(2, dim=32, token=16, patch=2), Motion(2, dim=32, token=16, patch=2)
    with torch.no_grad():
        truth.field[RIGHT, 0, 0], truth.field[RIGHT, 3, 0] = 0.25, 0.05
    optimizer = torch.optim.Adam([motion.field], lr=1e-2)
    z = torch.nn.functional.interpolate(torch.randn(64, 4, 3, 3), (8, 8), mode="bilinear")
    for _ in range(150):
        actions = torch.randn(64, 2)
        goal = truth.moved(z, actions, torch.ones(64)).detach()
        loss = (motion.moved(z, actions, torch.ones(64)) - goal).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert (motion.field - truth.field).abs().max() < 0.02


def test_a_network_takes_of_the_moved_frame_what_its_share_says(motion):
    """With nothing else trained the share is a half: the prediction is the mean of the frame before and the moved."""
    network = DiT(dataclasses.replace(CONFIG, motion=True))
    network.motion.field = motion.field
    x, levels = torch.randn(1, 2, 4, 8, 8), torch.rand(1, 2)
    predicted = network(x, levels, x[:, 1:], levels[:, 1:], act(right=1)[None]).latent[:, 0]
    moved = motion.moved(x[:, 0], act(right=1), torch.ones(1))
    assert torch.allclose(predicted, (x[:, 0] + moved) / 2, atol=1e-5)


def test_frames_between_given_ones_are_not_moved(motion):
    """In a joint clip no action leads from the frames around to the one between them."""
    network = DiT(dataclasses.replace(CONFIG, motion=True, joint=True))
    network.motion.field = motion.field
    x, given = torch.randn(1, 2, 4, 8, 8), torch.tensor([[True, False]])
    clips = JointClips(x, torch.rand(1, 2), given, act(right=1)[None], torch.ones(1, 1))
    assert torch.equal(network.joint(clips).latent[:, 1], x[:, 0])


def test_a_network_that_had_no_motion_begins_as_it_was(tmp_path):
    torch.manual_seed(0)
    earlier = DiT(CONFIG)
    with torch.no_grad():
        for parameter in earlier.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    save_model(tmp_path / "dit.safetensors", earlier, dataclasses.asdict(CONFIG))
    later = DiT(dataclasses.replace(CONFIG, motion=True))
    fill_weights(tmp_path / "dit.safetensors", later)
    x = torch.randn(1, 4, 4, 8, 8)
    clips = StreamClips(x, torch.rand(1, 4), x[:, 1:], torch.rand(1, 3), torch.randn(1, 3, 2))
    assert torch.equal(earlier.run([clips])[0].latent, later.run([clips])[0].latent)
