"""Where a camera looks: read off the first frames of a stream, then what actions say; and what wears a frame."""

import numpy as np
import pytest
import torch

from worldsim.models.motion import Motion
from worldsim.models.pose import Pose, Tilt, tilt_products

PITCH, YAW, JUMP = 0, 1, 2
FOCAL = 1.3  # in halves of a side
READ = 10  # frames of a stream that are read


def rotation(axis: str, angle: float) -> np.ndarray:
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[1, 0, 0], [0, c, s], [0, -s, c]]) if axis == "x" else np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])


@pytest.fixture
def motion():
    """A unit of action 0 pitches a camera down by a radian, one of action 1 yaws it right by a radian."""
    motion = Motion(3, latent_channels=4, dim=32, patch=2, camera=(PITCH, YAW))
    camera = np.diag([FOCAL, FOCAL, 1.0])
    with torch.no_grad():
        for channel, generator in (
            (PITCH, [[0, 0, 0], [0, 0, 1], [0, -1, 0]]),
            (YAW, [[0, 0, 1], [0, 0, 0], [-1, 0, 0]]),
        ):
            motion.generators[channel] = torch.from_numpy(camera @ np.array(generator) @ np.linalg.inv(camera)).float()
    return motion


def actions(*rows: tuple[float, float, float]) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.tensor([rows]), torch.ones(1, len(rows))


def follow(motion, rows, frames=None, pose=None):
    frames = torch.randn(1, len(rows), 4, 32, 32) if frames is None else frames
    return motion.along(Pose.unknown(1, torch.device("cpu")) if pose is None else pose, frames, *actions(*rows))


def test_turns_chained_are_one_turn_of_the_camera(motion):
    """Down, right, up, right: the product of four homographies is that of the two directions of view."""
    rows = [(0.3, 0.0, 0.0), (0.0, 0.5, 0.0), (-0.2, 0.1, 0.0), (0.1, 0.4, 0.0)]
    level = Pose(torch.zeros(1), torch.full((1,), float(READ)), torch.zeros(1))  # that is known
    steps = follow(motion, rows, pose=level)
    whole = torch.eye(3)
    for homography in steps.homography_BT33[0]:
        whole = whole @ homography
    looks = [
        rotation("y", sum(r[1] for r in part)) @ rotation("x", sum(r[0] for r in part)) for part in (rows[:0], rows)
    ]
    camera = np.diag([FOCAL, FOCAL, 1.0])
    truth = camera @ looks[0].T @ looks[1] @ np.linalg.inv(camera)
    assert np.abs(whole.detach().numpy() - truth).max() < 1e-4


def test_a_camera_that_looks_down_turns_its_picture(motion):
    level, down = (motion.homographies(torch.tensor([[0.0, 0.2, 0.0]]), torch.tensor([tilt])) for tilt in (0.0, 0.6))
    assert abs(float(level[0, 0, 1])) < 1e-6
    assert abs(float(down[0, 0, 1])) > 0.05


def test_the_first_frames_are_read_and_the_mean_of_them_is_what_counts(motion):
    """After that only actions do, so a way out and the way back cancel."""
    told = torch.linspace(-1.0, 1.0, 14)
    pose, looked = Pose.unknown(1, torch.device("cpu")), []
    for reading in told:
        looked.append(float(pose.go_on(reading[None], torch.zeros(1), torch.ones(1, dtype=torch.bool))[0]))
    assert looked == pytest.approx([float(told[: min(t + 1, READ)].mean()) for t in range(14)])
    assert pose.settled
    before = pose.tilt_B.clone()
    follow(motion, [(0.25, 0.0, 0.0)] * 2, pose=pose)
    assert torch.allclose(pose.tilt_B, before + 0.5)


def test_steps_that_do_more_than_turn_wear_and_so_do_some_after_them(motion):
    rows = [(0.1, 0.0, 0.0), (0.0, 0.1, 1.0), *[(0.0, 0.1, 0.0)] * 6]
    assert follow(motion, rows).worn_BT.tolist() == [[0, 1, 1 / 2, 1 / 4, 1 / 8, 1 / 16, 0, 0]]
    unknown = motion.along(
        Pose.unknown(1, torch.device("cpu")), torch.randn(1, 1, 4, 32, 32), torch.zeros(1, 1, 3), torch.zeros(1, 1)
    )
    assert unknown.worn_BT.tolist() == unknown.acted_BT.tolist() == [[1]]


def test_hands_do_something_to_the_world_and_so_may_whatever_is_not_known():
    motion = Motion(4, latent_channels=4, dim=32, patch=2, camera=(0, 1), hands=(3,))
    rows = [(0.1, 0.0, 0.0, 0.0), (0.0, 0.0, 1.0, 0.0), (0.0, 0.0, 0.0, 1.0), (0.0, 0.0, 0.0, 0.0)]
    assert follow(motion, rows).acted_BT.tolist() == [[0, 0, 1, 0]]


def test_of_a_game_without_a_camera_every_action_wears():
    motion = Motion(3, latent_channels=4, dim=32, patch=2)
    steps = follow(motion, [(0.0, 0.0, 0.0), (0.1, 0.0, 0.0)])
    assert steps.worn_BT.tolist() == [[0, 1]]
    assert steps.read_BT is None


@pytest.mark.parametrize("side", [8, 32, 45])
def test_frames_of_any_size_are_read_and_untrained_they_are_level(side):
    assert Tilt(4)(torch.randn(2, 4, side, side)).tolist() == [0, 0]


def test_products_of_reading_a_frame_are_those_of_its_layers():
    tilt, products = Tilt(4), []
    for layer in tilt.children():
        layer.register_forward_hook(
            lambda layer, _given, out: products.append(
                out[0, 0].numel() * layer.weight.numel() if out.ndim == 4 else layer.weight.numel()
            )
        )
    tilt(torch.randn(1, 4, 32, 32))
    assert tilt_products(4) == sum(products)
