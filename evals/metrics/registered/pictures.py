"""How near a dream's pictures are to the real ones."""

from __future__ import annotations

from worldsim.core.registry import Registry


def add_to(metrics: Registry) -> None:
    metrics.add(
        "psnr",
        "evals.metrics.pixels:psnr",
        "peak signal-to-noise ratio to the real frame, capped at 100 dB; rewards blur over a sharp wrong guess",
        higher_is_better=True,
        unit="dB",
    )
    metrics.add(
        "psnr_gain",
        "evals.metrics.pixels:psnr",
        "PSNR above that of the last context frame held still",
        higher_is_better=True,
        unit="dB",
    )
    metrics.add(
        "mse",
        "evals.metrics.pixels:mse",
        "mean squared error to the real frame, in squared 8-bit steps",
        higher_is_better=False,
        unit="",
    )
    metrics.add(
        "ssim",
        "evals.metrics.pixels:ssim",
        "structural similarity to the real frame; rewards blur less than PSNR does, but it does",
        higher_is_better=True,
        unit="",
    )
    metrics.add(
        "lpips",
        "evals.metrics.learned:Network",
        "perceptual distance to the real frame (LPIPS, VGG16), where weights are found",
        higher_is_better=False,
        unit="",
    )
    metrics.add(
        "fvd",
        "evals.metrics.learned:frechet_distance",
        "Frechet video distance (I3D features) of all dreams from all real videos, where weights are found",
        higher_is_better=False,
        unit="",
    )
