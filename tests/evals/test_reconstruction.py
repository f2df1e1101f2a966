"""Places in space fitted to frames: radiance field, point splat and its renderers, structure from motion."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest
import torch

from evals.games import RealGame
from evals.reconstruction.motion_structure import NOTHING, RECONSTRUCTED, compare_paths, structure_from_motion
from evals.reconstruction.posed import PosedFrames
from evals.reconstruction.rendering import Discs, TorchRenderer, make_renderer
from evals.suites.geometry import GeometrySuite
from evals.trial import DreamBranch, Trial
from evals.videos import write_files
from worldsim.core.errors import MissingDependencyError, UnknownNameError
from worldsim.core.seeding import stream
from worldsim.core.types import Camera

K = np.array([[40.0, 0, 19.5], [0, 40, 14.5], [0, 0, 1]])
SIZE = (30, 40)


@pytest.fixture(scope="module")
def trials():
    """The game itself and a still video of the same scenario."""
    game = RealGame("voxel/terrain", {"height": 64, "width": 64})
    case = GeometrySuite().build(game, 0)
    game.close()
    real = case.real["path"].frames
    nothing = np.zeros(len(real), np.float32)
    videos = {"real": real, "still": np.repeat(case.context_frames[-1:], len(real), 0)}
    return {name: Trial(case, {"path": DreamBranch(frames, nothing, nothing)}) for name, frames in videos.items()}


@pytest.fixture(scope="module")
def measured(trials):
    suite = GeometrySuite()
    return {name: suite.measure(trial) for name, trial in trials.items()}


def test_the_game_is_a_place_that_predicts_what_was_held_out(measured):
    values = measured["real"].values
    assert values["field_psnr"] > 24
    assert values["splat_psnr"] > 22
    assert values["field_skill"] > 0.7
    assert values["depth_agreement"] > 0.4
    assert values["field_psnr_beside_game"] == 0
    assert values["depth_agreement"] == values["depth_agreement_of_game"]


def test_a_still_video_is_easy_to_reconstruct_and_wins_nothing(measured):
    real, still = measured["real"].values, measured["still"].values
    assert still["field_psnr"] > real["field_psnr"]  # the naive number
    assert still["field_skill"] == 0 < 0.7 < real["field_skill"]
    assert still["depth_agreement"] < 0.5 * real["depth_agreement"]


def test_what_is_offered_to_look_at_can_be_read(trials, measured, tmp_path):
    import cv2

    paths = write_files(tmp_path, trials["real"], "a model", measured["real"].files)
    assert paths["place.png"] == "videos/geometry/voxel-terrain/0000-a-model-place.png"
    picture = cv2.imread(str(tmp_path / paths["place.png"]))
    assert picture.shape == (5 * 128, 6 * 128, 3)
    field = np.load(tmp_path / paths["field.npz"], allow_pickle=False)
    assert field["density"].shape == (64, 64, 64) and field["colour"].shape == (3, 64, 64, 64)
    header, _, body = (tmp_path / paths["points.ply"]).read_bytes().partition(b"end_header\n")
    count = int(header.split(b"element vertex ")[1].split()[0])
    rows = np.frombuffer(body, [("xyz", "<f4", 3), ("rgba", "u1", 4)])
    assert len(rows) == count > 5000
    assert np.isfinite(rows["xyz"]).all() and np.ptp(rows["rgba"][:, :3]) > 100


# Renderers


def cloud(count, seed=0):
    rng = stream(seed, "cloud")
    points = rng.uniform((-2, -1.5, 1), (2, 1.5, 6), (count, 3))
    return [torch.tensor(part, dtype=torch.float32) for part in (points, rng.random((count, 3)), rng.random(count))]


def drawn_plainly(points, colours, opacities, radius_px, kept=8):
    """The same picture pixel by pixel and point by point."""
    local = points @ K.T
    places = local[:, :2] / local[:, 2:]
    picture, opacity = np.zeros((*SIZE, 3)), np.zeros(SIZE)
    for row, column in np.ndindex(SIZE):
        distance = ((places - (column, row)) ** 2).sum(-1)
        near = np.flatnonzero(distance < radius_px**2)
        through = 1.0
        for i in near[np.argsort(points[near, 2])][:kept]:
            alpha = (1 - distance[i] / radius_px**2) * opacities[i]
            picture[row, column] += through * alpha * colours[i]
            opacity[row, column] += through * alpha
            through *= 1 - alpha
    return picture, opacity


def test_our_renderer_draws_what_the_definition_says():
    parts = cloud(400)
    ours = TorchRenderer().draw(Discs(*parts, 1.7), Camera(K, np.eye(4)), SIZE)
    picture, opacity = drawn_plainly(*[part.numpy().astype(float) for part in parts], 1.7)
    np.testing.assert_allclose(ours.colour.numpy(), picture, atol=1e-4)
    np.testing.assert_allclose(ours.opacity.numpy(), opacity, atol=1e-4)


def test_what_is_behind_the_camera_is_not_drawn_and_gradients_reach_everything():
    points, colours, opacities = cloud(300)
    points = torch.cat([points, points * torch.tensor([1.0, 1, -1])])
    parts = [part.requires_grad_(True) for part in (points, colours.repeat(2, 1), opacities.repeat(2))]
    drawing = TorchRenderer().draw(Discs(*parts, 1.5), Camera(K, np.eye(4)), SIZE)
    (drawing.colour.sum() + drawing.depth_m.sum()).backward()
    for part in parts:
        assert part.grad[:300].abs().sum() > 0
        assert part.grad[300:].abs().sum() == 0


def test_pytorch3d_draws_the_same_within_a_thousandth():
    pytest.importorskip("pytorch3d")
    parts = [part.requires_grad_(True) for part in cloud(2000, seed=1)]
    T = np.eye(4)
    T[:3, 3] = 0.2, -0.1, -0.5
    results = []
    for name in ("torch", "pytorch3d"):
        drawing = make_renderer(name).draw(Discs(*parts, 1.6), Camera(K, T), SIZE)
        gradients = torch.autograd.grad((drawing.colour**2).sum() + drawing.opacity.sum(), parts)
        results.append([drawing.colour, drawing.opacity, drawing.depth_m, *gradients])
    for ours, theirs in zip(*results, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-3, rtol=1e-3)


def test_a_renderer_that_is_not_there_is_named():
    with pytest.raises(UnknownNameError, match="pytorch3d"):
        make_renderer("pytorch4d")
    if importlib.util.find_spec("pytorch3d") is None:
        with pytest.raises(MissingDependencyError, match=r"INSTALL\.md says; the renderer 'torch' draws the same"):
            make_renderer("pytorch3d")


# Structure from motion


def test_a_path_is_compared_whatever_its_scale_and_place():
    rng = stream(0, "path")
    turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    turn *= np.sign(np.linalg.det(turn))
    true = np.repeat(np.eye(4)[None], 12, 0)
    true[:, :3, 3] = rng.normal(size=(12, 3))
    found = true.copy()
    found[:, :3, :3] = turn @ true[:, :3, :3]
    found[:, :3, 3] = 0.3 * true[:, :3, 3] @ turn.T + (5, 6, 7)
    assert compare_paths(found, true) == pytest.approx((0, 0), abs=1e-5)
    found[:, :3, 3] *= (1, 1, -1)  # mirrored: no camera went that way
    assert compare_paths(found, true)[0] > 0.3


def posed_video(size, step=1):
    game, suite = RealGame("voxel/terrain", {"height": size, "width": size}), GeometrySuite(reconstruct_every=0)
    case = suite.build(game, 0)
    game.close()
    facts = case.facts
    frames = case.real["path"].frames[0 : 17 * step : step]
    return PosedFrames(frames, facts["K"], facts["T_world_camera"][1::step][: len(frames)], ~facts["hidden"], 0.5)


def test_small_frames_and_a_missing_pycolmap_are_outcomes_in_words(monkeypatch):
    posed = posed_video(64)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert structure_from_motion(posed).outcome == "pycolmap is not installed: pip install 'worldsim[sfm]'"
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: "there")
    told = structure_from_motion(posed)
    assert told.outcome.startswith("frames of 64x64 have ") and np.isnan(told.registered)


def test_colmap_finds_the_path_of_large_frames_and_nothing_in_a_still_video():
    pytest.importorskip("pycolmap")
    posed = posed_video(240, step=2)
    found = structure_from_motion(posed)
    assert found.outcome == RECONSTRUCTED
    assert found.registered > 0.8
    assert found.position_error < 0.1
    still = PosedFrames(np.repeat(posed.frames[:1], 5, 0), posed.K, posed.T_world_camera[:5], posed.seen, 0.5)
    nothing = structure_from_motion(still)
    assert (nothing.outcome, nothing.registered) == (NOTHING, 0)
