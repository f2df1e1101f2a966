"""Frames from anywhere with cameras: a real game's with its true cameras, with wrong ones, and in NeRF's format."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from evals.frames import FROM_OPENGL, agreement_of_frames, read_cameras
from evals.games import RealGame
from evals.suites.geometry import GeometrySuite
from worldsim.cli.main import main
from worldsim.core.errors import DamagedFileError, WorldsimError


@pytest.fixture(scope="module")
def shots(tmp_path_factory):
    """Nine photographs of 256x256 along an orbit, and the cameras they are from."""
    folder = tmp_path_factory.mktemp("shots")
    game = RealGame("voxel/terrain", {"height": 256, "width": 256, "hud": False})
    case = GeometrySuite(reconstruct_every=0).build(game, 1)
    game.close()
    frames, poses = case.real["path"].frames[1:17:2], case.facts["T_world_camera"][2:18:2]
    told = []
    for i, (frame, pose) in enumerate(zip(frames, poses, strict=True)):
        cv2.imwrite(str(folder / f"{i:04d}.png"), frame[..., ::-1])
        told.append({"file": f"{i:04d}.png", "T_world_camera": pose.tolist()})
    cameras = {"near_m": 0.5, "far_m": 60.0, "K": case.facts["K"].tolist(), "frames": told}
    (folder / "cameras.json").write_text(json.dumps(cameras))
    return folder


def changed(shots, tmp_path, change):
    cameras = json.loads((shots / "cameras.json").read_text())
    change(cameras)
    path = tmp_path / "changed.json"
    path.write_text(json.dumps(cameras))
    return read_cameras(path)


def test_true_cameras_agree_and_wrong_ones_do_not(shots, tmp_path):
    def reverse(cameras):
        poses = [one["T_world_camera"] for one in cameras["frames"]]
        for one, pose in zip(cameras["frames"], reversed(poses), strict=True):
            one["T_world_camera"] = pose

    def lean(cameras):
        for i, one in enumerate(cameras["frames"]):
            turned = np.array(one["T_world_camera"])
            turned[:3, :3] = turned[:3, :3] @ cv2.Rodrigues(np.array([0.0, 0.0, 0.2 * (i % 2)]))[0]
            one["T_world_camera"] = turned.tolist()

    true = agreement_of_frames(shots, read_cameras(shots / "cameras.json"), [1, 2])
    assert true["coverage"] == 1
    assert true["fraction"]["2px"] > 0.8
    assert true["still"]["2px"] < 0.7
    assert true["telling"]["2px"] > 0.7
    shares = list(true["fraction"].values())
    assert shares == sorted(shares)
    for wrong in (reverse, lean):
        found = agreement_of_frames(shots, changed(shots, tmp_path, wrong), [1, 2])
        assert found["fraction"]["2px"] < 0.8 * true["fraction"]["2px"]
        assert found["telling"]["2px"] < 0.4


def test_the_line_still_is_what_a_still_video_gets(shots, tmp_path):
    """An orbit about what is in the middle lets much of a still picture pass; that line says how much."""
    for i in range(8):
        (tmp_path / f"{i:04d}.png").write_bytes((shots / "0000.png").read_bytes())
    video = agreement_of_frames(tmp_path, read_cameras(shots / "cameras.json"), [1, 2])
    assert max(video["telling"].values()) == 0
    assert video["fraction"]["2px"] == pytest.approx(video["still"]["2px"], abs=0.05)


def test_pictures_without_features_count_as_failures(shots, tmp_path):
    for i in range(8):
        cv2.imwrite(str(tmp_path / f"{i:04d}.png"), np.full((256, 256, 3), 90, np.uint8))
    blank = agreement_of_frames(tmp_path, read_cameras(shots / "cameras.json"), [1])
    assert blank["coverage"] == 0 and set(blank["fraction"].values()) == {0}


def test_the_cameras_of_nerf_data_sets_are_the_same_cameras(shots, tmp_path):
    ours = json.loads((shots / "cameras.json").read_text())
    K = ours["K"]
    theirs = {
        "w": 256, "h": 256, "fl_x": K[0][0], "cx": K[0][2] + 0.5, "cy": K[1][2] + 0.5,
        "frames": [
            {"file_path": f"./{one['file'][:-4]}", "transform_matrix": (one["T_world_camera"] @ FROM_OPENGL).tolist()}
            for one in ours["frames"]
        ],
    }  # fmt: skip
    (tmp_path / "transforms.json").write_text(json.dumps(theirs))
    read, wanted = read_cameras(tmp_path / "transforms.json"), read_cameras(shots / "cameras.json")
    assert read.frames[3].file == "./0003.png"
    for one, other in zip(read.frames, wanted.frames, strict=True):
        np.testing.assert_allclose(one.camera.K, other.camera.K)
        np.testing.assert_allclose(one.camera.T_world_camera, other.camera.T_world_camera)


def test_the_command_prints_and_writes_the_shares(shots, tmp_path, capsys):
    out = tmp_path / "numbers.json"
    arguments = [f"frames={shots}", f"cameras={shots / 'cameras.json'}", "gaps=[1]", f"out={out}"]
    assert main(["eval-frames", *arguments]) in (0, None)
    printed = capsys.readouterr().out
    numbers = json.loads(out.read_text())
    assert list(numbers["fraction"]) == ["1px", "2px", "4px", "8px"]
    assert f"{numbers['fraction']['2px']:.3f}" in printed
    assert "8 frames, 7 pairs, 100% of them with enough matches" in printed


def test_what_cannot_be_read_is_named(shots, tmp_path):
    with pytest.raises(WorldsimError, match=r"nowhere\.json is not there; give cameras=FILE"):
        read_cameras(tmp_path / "nowhere.json")
    (tmp_path / "cut.json").write_text('{"frames": [')
    with pytest.raises(DamagedFileError, match=r"cut\.json is no JSON"):
        read_cameras(tmp_path / "cut.json")
    (tmp_path / "half.json").write_text('{"frames": [{"file": "a.png"}]}')
    with pytest.raises(WorldsimError, match=r'every frame needs "file", "K" \(3x3\)'):
        read_cameras(tmp_path / "half.json")
    cameras = read_cameras(shots / "cameras.json")
    with pytest.raises(WorldsimError, match=r"0000\.png is no picture that can be read"):
        agreement_of_frames(tmp_path, cameras, [1])
    with pytest.raises(WorldsimError, match=r"gaps=\[9\]: give numbers from 1 to 7"):
        agreement_of_frames(shots, cameras, [9])
