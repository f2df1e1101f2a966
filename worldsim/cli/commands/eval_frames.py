"""``worldsim eval-frames``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from worldsim.cli.settings import setting
from worldsim.cli.table import aligned
from worldsim.core.siblings import import_ours

EXAMPLES = (
    "worldsim eval-frames frames=shots cameras=shots/cameras.json",
    "worldsim eval-frames frames=lego/train cameras=lego/transforms.json gaps=[1] out=lego.json",
)


@dataclass(kw_only=True)
class EvalFramesConfig:
    frames: str = setting("folder of the pictures", example="shots", path=True)
    cameras: str = setting(
        "JSON with K and T_world_camera of each frame, or transforms.json of a NeRF data set",
        example="shots/cameras.json",
        path=True,
    )
    gaps: list[int] = setting("how many frames on the one is with which each frame is matched", default=[1, 2, 4])
    out: str = setting("file for the numbers, JSON", default="eval-frames.json", path=True)


def run(config: EvalFramesConfig) -> None:
    """The share of matches between frames that agrees with their cameras, at 1, 2, 4 and 8 pixels.

    cameras.json: {"near_m": 0.5, "far_m": 50, "frames": [{"file": "0.png", "K": 3x3, "T_world_camera": 4x4}, ...]} with
    OpenCV axes, metres, and the centre of the first pixel at (0, 0). The line "still" is what a still video would get,
    and "telling" the share of those matches alone that a still video would miss by more than 8 pixels; there are more
    of them where near_m and far_m are given.
    """
    from worldsim.core.records import write_json

    ours = import_ours("evals.frames")
    found = ours.agreement_of_frames(Path(config.frames), ours.read_cameras(Path(config.cameras)), config.gaps)
    write_json(Path(config.out), {"schema": 1, "folder": config.frames, "cameras": config.cameras, **found})
    rows = [
        [name, *(f"{share:.3f}" for share in found[name].values())]
        for name in ("fraction", "still", "telling")
        if found[name]
    ]
    print(aligned(rows, ["", *found["fraction"]]))
    print(
        f"{found['frames']} frames, {found['pairs']} pairs, {found['coverage']:.0%} of them with enough matches "
        f"({found['matches_a_pair']:.0f} a pair), {found['telling_matches']} telling\n\n{config.out}"
    )
