"""Video: the familiar numbers are what they are elsewhere, and say where they come from or why they are not there."""

import numpy as np
import pytest
import torch

from evals.controls.making import make_controls
from evals.dreaming import dream
from evals.games import RealGame, RealGames
from evals.metrics.learned import FVD_FILE, LPIPS_FILE, frechet_distance
from evals.metrics.pixels import ssim
from evals.run import evaluate
from evals.suites.video import VideoSuite
from evals.table import format_table


@pytest.fixture(scope="module")
def cases():
    suite = VideoSuite(context_frames=4, prefix_steps=(4, 8))
    game = RealGame("voxel/scene", {})
    return suite, [suite.build(game, index) for index in range(2)]


@pytest.fixture
def weights(tmp_path, monkeypatch):
    """Networks with the interface of the real ones: a frame's mean colour, and the middle frame's."""

    class Vgg(torch.nn.Module):
        def forward(self, x, resize_images: bool, return_lpips: bool):
            return x.mean((2, 3)) / 255

    class I3d(torch.nn.Module):
        def forward(self, x, rescale: bool, resize: bool, return_features: bool):
            return x[:, :, x.shape[2] // 2].mean((2, 3)) / 255

    torch.jit.script(Vgg()).save(str(tmp_path / LPIPS_FILE))
    torch.jit.script(I3d()).save(str(tmp_path / FVD_FILE))
    monkeypatch.setenv("WORLDSIM_WEIGHTS", str(tmp_path))


@pytest.fixture
def no_weights(tmp_path, monkeypatch):
    monkeypatch.delenv("WORLDSIM_WEIGHTS", raising=False)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))


def values(cases, name):
    suite, built = cases
    games = RealGames()
    ((control, _),) = make_controls([name], "voxel/scene", games, [])
    measured = [suite.measure(trial) for trial in dream(control, built, 0)]
    games.close()
    return measured


def test_ssim_is_one_for_equal_frames_and_falls_with_blur_noise_and_contrast():
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 255, (2, 32, 48, 3), np.uint8)
    assert ssim(frames, frames) == pytest.approx([1, 1])
    # By hand, of flat frames: only their means differ.
    flat = [np.full((1, 32, 32, 3), level, np.uint8) for level in (100, 150)]
    small = (0.01 * 255) ** 2
    assert ssim(*flat)[0] == pytest.approx((2 * 100 * 150 + small) / (100**2 + 150**2 + small))
    pale = (frames * 0.5).astype(np.uint8)
    assert ssim(frames, pale).max() < 0.9
    assert ssim(frames, np.roll(frames, 3, axis=2)).max() < 0.2


def test_the_game_gains_most_and_a_still_nothing(cases, no_weights):
    oracle, still = values(cases, "oracle"), values(cases, "last_frame")
    assert all(one.values["psnr"] == 100 and one.values["ssim"] == pytest.approx(1) for one in oracle)
    assert all(one.values["psnr_gain"] == 0 for one in still)
    assert all(one.values["ssim"] < 0.98 for one in still)


def test_without_weights_lpips_and_fvd_say_what_is_missing(cases, no_weights):
    (measured, _) = values(cases, "oracle")
    assert np.isnan(measured.values["lpips"]) and "vgg16.pt" in measured.reasons["lpips"]
    value, reason = cases[0].conclude([{"curves": measured.curves}])["fvd"]
    assert np.isnan(value) and "i3d_torchscript.pt" in reason


def test_with_weights_lpips_and_fvd_are_zero_for_the_game_and_not_for_a_still(cases, weights):
    found = {}
    for name in ("oracle", "last_frame"):
        measured = values(cases, name)
        rows = [{"curves": one.curves} for one in measured]
        found[name] = (np.mean([one.values["lpips"] for one in measured]), cases[0].conclude(rows)["fvd"][0])
    assert found["oracle"] == pytest.approx((0, 0), abs=1e-6)
    assert min(found["last_frame"]) > 1e-6


def test_frechet_distance_of_gaussians_is_the_known_one():
    rng = np.random.default_rng(0)
    a = rng.normal(size=(20000, 3))
    b = 2 * rng.normal(size=(20000, 3)) + [1, 0, 0]
    # |m|^2 + tr(1 + 4 - 2 * 2) for each of three.
    assert frechet_distance(a, b) == pytest.approx(1 + 3, rel=0.03)


def test_its_block_in_the_table_claims_no_capability(tmp_path, no_weights):
    summary = evaluate(
        [], ["video"], [("voxel/scene", {})], tmp_path / "out", limit=1, controls=["oracle", "last_frame"], videos=0,
        cache=tmp_path / "cache", overrides={"video": {"context_frames": 4, "prefix_steps": (4, 8)}},
    )  # fmt: skip
    assert "no capability" in format_table(summary)
    (oracle,) = (one for one in summary["suites"][0]["simulators"] if one["simulator"] == "oracle")
    assert oracle["whole"]["fvd"]["value"] is None and "no weights" in oracle["whole"]["fvd"]["reason"]
