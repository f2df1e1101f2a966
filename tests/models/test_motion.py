"""What an action does to the picture: untrained nothing, trained what the camera does, a path of actions a product."""

import dataclasses
import math

import numpy as np
import pytest
import torch

from worldsim.models.checkpoint import fill_weights, save_model
from worldsim.models.clips import JointClips, StreamClips
from worldsim.models.dit import DiT, DiTConfig
from worldsim.models.mosaic import clip_mosaics, clip_paths, clip_wear
from worldsim.models.motion import Motion, displaced
from worldsim.models.pose import Pose

CONFIG = DiTConfig(action_channels=2, latent_channels=4, dim=32, depth=1, heads=1, window=3)
RIGHT, DOWN = 0, 1
LEVEL = torch.zeros(1)  # how far down the camera looks
TRUST = 1 / (1 + math.exp(-2))  # either share of an untrained network


def new_motion() -> Motion:
    return Motion(2, latent_channels=4, dim=32, patch=2)


@pytest.fixture
def motion():
    """Action 0 turns right by a quarter of the frame, action 1 down by an eighth: the picture moves the other way."""
    motion = new_motion()
    with torch.no_grad():
        motion.generators[RIGHT, 0, 2] = 0.5  # of half a side
        motion.generators[DOWN, 1, 2] = 0.25
    return motion


def act(right=0.0, down=0.0):
    return torch.tensor([[right, down]])


def moved(motion, z_FChw, action_FA, known_F):
    """Each frame by one action."""
    frames_F1Chw = z_FChw[:, None]
    steps = motion.along(Pose.unknown(len(z_FChw), z_FChw.device), frames_F1Chw, action_FA[:, None], known_F[:, None])
    paths_F1133 = clip_paths(steps.homography_BT33, 1)
    return clip_mosaics(frames_F1Chw, paths_F1133, clip_wear(steps, 1), 1)[:, 0, : z_FChw.shape[1]]


def test_a_turn_moves_the_picture_against_it(motion):
    z = torch.randn(1, 4, 8, 8)
    right = moved(motion, z, act(right=1), torch.ones(1))
    assert torch.allclose(right[..., :-2], z[..., 2:], atol=1e-5)
    assert torch.allclose(right[..., -2:], z[..., -1:].expand(-1, -1, -1, 2), atol=1e-5)  # beyond the edge: the edge
    down = moved(motion, z, act(down=1), torch.ones(1))
    assert torch.allclose(down[:, :, :-1], z[:, :, 1:], atol=1e-5)
    back = moved(motion, z, act(right=-0.5), torch.ones(1))
    assert torch.allclose(back[..., 1:], z[..., :-1], atol=1e-5)


def test_what_is_not_known_moves_nothing(motion):
    z = torch.randn(1, 4, 8, 8)
    assert torch.allclose(moved(motion, z, act(right=1), torch.zeros(1)), z, atol=1e-5)
    assert torch.allclose(moved(motion, z, act(), torch.ones(1)), z, atol=1e-5)


def test_a_turn_and_a_turn_are_one_turn():
    """The homography of a camera: rotations by any angle are powers of one, as K R(angle) K^-1 says."""
    focal = 1.3  # in halves of a side
    camera = np.diag([focal, focal, 1.0])
    motion = new_motion()
    generator = camera @ np.array([[0, 0, 1.0], [0, 0, 0], [-1.0, 0, 0]]) @ np.linalg.inv(camera)
    with torch.no_grad():
        motion.generators[RIGHT] = torch.from_numpy(generator).float()
    for angle in (-1.2, 0.05, 0.6):
        turn = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
        found = motion.homographies(act(right=angle), LEVEL)[0].detach().numpy()
        assert np.abs(found - camera @ turn @ np.linalg.inv(camera)).max() < 1e-4
    third, whole = (motion.homographies(act(right=part), LEVEL) for part in (0.3, 0.9))
    assert torch.allclose(third @ third @ third, whole, atol=1e-5)


def test_half_precision_is_given_back_as_it_came(motion):
    z, action = torch.randn(1, 4, 8, 8).bfloat16(), act(right=1).bfloat16()
    assert moved(motion, z, action, torch.ones(1).bfloat16()).dtype == torch.bfloat16


def test_homographies_are_float32_whatever_the_network_is(motion):
    frames, action, known = torch.randn(1, 1, 4, 8, 8), act(right=1)[None], torch.ones(1, 1)
    pose = Pose.unknown(1, frames.device)
    steps = motion.bfloat16().along(pose, frames.bfloat16(), action.bfloat16(), known.bfloat16())
    assert steps.homography_BT33.dtype == torch.float32


def test_what_actions_do_is_learned_from_what_it_explains():
    """A camera that turns by an eighth of the frame for each unit of action 0: found from pairs of pictures."""
    torch.manual_seed(0)
    motion, truth = new_motion(), new_motion()
    with torch.no_grad():
        truth.generators[RIGHT, 0, 2], truth.generators[RIGHT, 2, 0] = 0.25, -0.05
    optimizer = torch.optim.Adam([motion.generators], lr=1e-2)
    z = torch.nn.functional.interpolate(torch.randn(64, 4, 3, 3), (8, 8), mode="bilinear")
    for _ in range(150):
        actions = torch.randn(64, 2)
        goal = moved(truth, z, actions, torch.ones(64)).detach()
        loss = (moved(motion, z, actions, torch.ones(64)) - goal).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    without_trace = motion.generators - motion.generators.diagonal(dim1=1, dim2=2).mean(1)[:, None, None] * torch.eye(3)
    assert (without_trace - truth.generators).abs().max() < 0.02


def test_a_network_takes_of_the_moved_frame_what_its_share_says(motion):
    """Of one frame the mosaic is the moved frame too, so what is left of the frame as it was is what neither takes."""
    network = DiT(dataclasses.replace(CONFIG, motion=True))
    network.motion.generators = motion.generators
    x, levels = torch.randn(1, 2, 4, 8, 8), torch.rand(1, 2)
    predicted = network(x, levels, x[:, 1:], levels[:, 1:], act(right=1)[None]).latent[:, 0]
    turned = moved(motion, x[:, 0], act(right=1), torch.ones(1))
    assert torch.allclose(predicted, turned.lerp(x[:, 0], (1 - TRUST) ** 2), atol=1e-5)


def test_a_network_takes_of_what_was_seen_what_its_share_says():
    """Where nothing is done but turning, by nothing here, the mosaic shows the oldest frame."""
    network = DiT(dataclasses.replace(CONFIG, motion=True))
    x, levels = torch.randn(1, 3, 4, 8, 8), torch.rand(1, 3)
    predicted = network(x, levels, x[:, 1:], levels[:, 1:], torch.zeros(1, 2, 2)).latent[:, 1]
    assert torch.allclose(predicted, x[:, 1].lerp(x[:, 0], TRUST), atol=1e-5)


def test_what_is_displaced_comes_from_beside():
    z = torch.randn(2, 3, 4, 8, 8)
    off = torch.zeros(2, 3, 2, 8, 8)
    assert torch.allclose(displaced(z, off), z, atol=1e-5)
    off[1, 2, 0], off[1, 2, 1] = 2, -1  # this frame's places come from two to the right and one above
    found = displaced(z, off)
    assert torch.allclose(found[1, 2, :, 1:, :-2], z[1, 2, :, :-1, 2:], atol=1e-5)
    assert torch.allclose(found[1, 2, :, 0, :-2], z[1, 2, :, 0, 2:], atol=1e-5)  # beyond the edge: the edge
    assert torch.allclose(found[0], z[0], atol=1e-5)


def test_what_is_carried_along_for_many_steps_stays_sharp():
    """A bump, half a latent to the left 16 times: interpolated linearly it would be off by .56, and half as high."""
    row, column = torch.arange(24.0)[:, None], torch.arange(24.0)

    def bump(across: float) -> torch.Tensor:
        return torch.exp(-((row - 12).square() + (column - across).square()) / 2)

    z, off = bump(18)[None, None, None], torch.tensor([0.5, 0.0])[:, None, None].expand(1, 1, 2, 24, 24)
    for _ in range(16):
        z = displaced(z, off)
    assert (z[0, 0, 0] - bump(10)).abs().max() < 0.25


def test_where_bodies_come_from_is_learned_from_where_they_go():
    """A spot that goes on at its own speed, to the right or to the left: no action tells of it, the frames do."""
    torch.manual_seed(0)
    network = DiT(dataclasses.replace(CONFIG, motion=True, displaced=True, dim=64, depth=2, patch=4))
    optimizer = torch.optim.Adam(network.parameters(), lr=3e-3)
    place = torch.arange(8.0)

    def clips(count: int) -> torch.Tensor:
        """(B, 3, 4, 8, 8), of one step a frame."""
        start, speed = torch.randint(3, 5, (count, 1)), torch.randint(0, 2, (count, 1)) * 2 - 1
        x_BT = start + speed * torch.arange(3)
        row = torch.exp(-(place - x_BT[..., None]).square())
        return (row[..., None, :] * torch.exp(-(place - 3.5).square() / 4)[:, None])[:, :, None].repeat(1, 1, 4, 1, 1)

    def error(x: torch.Tensor) -> torch.Tensor:
        still, noise = torch.zeros(len(x), 3), torch.randn_like(x[:, 1:])
        said = network(x, still, noise, torch.ones(len(x), 2), torch.zeros(len(x), 2, 2))
        return (said.latent[:, 1] - x[:, 2]).square().mean()

    before = error(clips(64)).item()
    for _ in range(120):
        optimizer.zero_grad()
        error(clips(16)).backward()
        optimizer.step()
    assert error(clips(64)).item() < 0.1 * before
    assert network.motion.displacement.weight.abs().max() > 0.01


def test_an_assumed_camera_turns_about_itself():
    """Five units of 10 degrees and four back are one; the picture of 70 degrees moves by what the tangent says."""
    motion = Motion(2, latent_channels=4, dim=32, patch=2, camera=(1, 0))
    motion.assume_camera([10.0, 5.0])
    homography = motion.homographies(torch.tensor([[1.0, 0.0]]), torch.zeros(1))[0]
    middle = homography @ torch.tensor([0.0, 0.0, 1.0])
    expected = math.tan(math.radians(10)) / math.tan(math.radians(35))
    assert (middle[:2] / middle[2]).tolist() == pytest.approx([expected, 0.0], abs=1e-4)
    there, back = (motion.homographies(torch.tensor([[turn, 0.0]]), torch.zeros(1))[0] for turn in (5.0, -4.0))
    assert torch.allclose(there @ back, homography, atol=1e-3)
    down = motion.homographies(torch.tensor([[0.0, 2.0]]), torch.zeros(1))[0] @ torch.tensor([0.0, 0.0, 1.0])
    assert (down[1] / down[2]).item() == pytest.approx(expected, abs=1e-4)


def test_what_is_moved_has_no_noise():
    """Frames of a mosaic were noised each to a level of its own, and nobody would know which."""
    network = DiT(dataclasses.replace(CONFIG, motion=True))
    x, levels = torch.randn(1, 2, 4, 8, 8), torch.rand(1, 2)
    noised = x + torch.randn_like(x)
    clips = StreamClips(noised, levels, x[:, 1:], levels[:, 1:], act(right=1)[None], clean_BTChw=x)
    assert torch.allclose(network.run([clips])[0].latent[:, 0], x[:, 0].lerp(noised[:, 0], (1 - TRUST) ** 2), atol=1e-5)


def test_frames_between_given_ones_are_not_moved(motion):
    """In a joint clip no action leads from the frames around to the one between them."""
    network = DiT(dataclasses.replace(CONFIG, motion=True, joint=True))
    network.motion.generators = motion.generators
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
    assert torch.allclose(earlier.run([clips])[0].latent, later.run([clips])[0].latent, atol=1e-5)
