"""Whether frames hold together as views of one place."""

from __future__ import annotations

from worldsim.core.registry import Registry


def add_to(metrics: Registry) -> None:
    metrics.add(
        "commanded_fraction",
        "evals.metrics.epipolar:commanded_fraction",
        "matches within N px of where the commanded cameras allow, relative to the game; missing ones count against",
        higher_is_better=True,
        unit="",
    )
    metrics.add(
        "match_coverage",
        "evals.metrics.epipolar:commanded_fraction",
        "telling matches found, as a share of those in the game",
        higher_is_better=True,
        unit="",
    )
    metrics.add(
        "field_psnr",
        "evals.reconstruction.place:PlaceNumbers",
        "of the held-out frames, seen by a radiance field of the others; a blank video is easy",
        higher_is_better=True,
        unit="dB",
    )
    metrics.add(
        "field_psnr_beside_game",
        "evals.reconstruction.place:PlaceNumbers",
        "field_psnr less that of the same reconstruction of the game",
        higher_is_better=True,
        unit="dB",
    )
    metrics.add(
        "field_skill",
        "evals.reconstruction.place:PlaceNumbers",
        "share of the change between frames that the radiance field explains; 0 for still and blank videos",
        higher_is_better=True,
        unit="",
    )
    metrics.add(
        "splat_psnr",
        "evals.reconstruction.place:PlaceNumbers",
        "of the held-out frames, seen by a point splat of the others",
        higher_is_better=True,
        unit="dB",
    )
    metrics.add(
        "splat_psnr_beside_game",
        "evals.reconstruction.place:PlaceNumbers",
        "splat_psnr less that of the same reconstruction of the game",
        higher_is_better=True,
        unit="dB",
    )
    metrics.add(
        "depth_agreement",
        "evals.reconstruction.place:PlaceNumbers",
        "pixels whose depth in the radiance field is within 25 % of the game's",
        higher_is_better=True,
        unit="",
    )
    metrics.add(
        "depth_agreement_of_game",
        "evals.reconstruction.place:PlaceNumbers",
        "depth_agreement of the same reconstruction of the game: what can be reached",
        higher_is_better=None,
        unit="",
    )
    metrics.add(
        "sfm_registered",
        "evals.reconstruction.motion_structure:structure_from_motion",
        'share of the frames that COLMAP registers in one model; 0 is "no reconstruction"',
        higher_is_better=True,
        unit="",
    )
    metrics.add(
        "sfm_position_error",
        "evals.reconstruction.motion_structure:structure_from_motion",
        "how far COLMAP's cameras are from the commanded ones, as a share of the path's extent",
        higher_is_better=False,
        unit="",
    )
    metrics.add(
        "sfm_rotation_error_deg",
        "evals.reconstruction.motion_structure:structure_from_motion",
        "median angle between COLMAP's cameras and the commanded ones",
        higher_is_better=False,
        unit="deg",
    )
