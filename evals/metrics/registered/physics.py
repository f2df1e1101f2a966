"""Whether bodies move as real ones do."""

from __future__ import annotations

from worldsim.core.registry import Registry


def add_to(metrics: Registry) -> None:
    metrics.add(
        "trajectory_skill",
        "evals.metrics.trajectory:skill",
        "1 - error of the bodies' places / that of the better of two forecasts: all rests, all keeps its velocity",
        higher_is_better=True,
        unit="",
    )
    metrics.add(
        "skill_over_constant_velocity",
        "evals.metrics.trajectory:skill",
        "the same over the forecast at constant velocity alone",
        higher_is_better=True,
        unit="",
    )
    metrics.add(
        "parse_rate",
        "evals.metrics.trajectory:distance",
        "share of bodies and frames in which a body is found, about as large as the real one",
        higher_is_better=True,
        unit="",
    )
    metrics.add(
        "instrument_error_px",
        "evals.metrics.trajectory:distance",
        "how far from their true places bodies are found in the real frames that are scored",
        higher_is_better=None,
        unit="px",
    )
    metrics.add(
        "instrument_coverage",
        "evals.metrics.trajectory:distance",
        "share of visible bodies and frames that the instrument finds in the real game, and so are scored",
        higher_is_better=None,
        unit="",
    )
    metrics.add(
        "outcome_agreement",
        "evals.metrics.trajectory:distance",
        "share of bodies that moved in the dream just if they did in the game: what toppled, what was hit",
        higher_is_better=True,
        unit="",
    )
    metrics.add(
        "onset_error_s",
        "evals.metrics.trajectory:distance",
        "by how much bodies that rested begin to move too early or too late",
        higher_is_better=False,
        unit="s",
    )
    metrics.add(
        "gravity_m_s2",
        "evals.metrics.mechanics:gravity_m_s2",
        "acceleration of bodies in the dream that fall freely in the game; it is 9.81 there",
        higher_is_better=None,
        unit="m/s^2",
    )
    metrics.add(
        "momentum_error",
        "evals.metrics.mechanics:momentum",
        "how far the bodies' momentum is off, as a share of the real one",
        higher_is_better=False,
        unit="",
    )
    metrics.add(
        "energy_ratio",
        "evals.metrics.mechanics:energy",
        "kinetic and potential energy of the bodies over the real one; 1 is right",
        higher_is_better=None,
        unit="",
    )
    metrics.add(
        "mass_ratio",
        "evals.metrics.trajectory:distance",
        "pixels in the bodies' colours over the real ones; 1 is right, less has vanished",
        higher_is_better=None,
        unit="",
    )
    metrics.add(
        "pieces_error",
        "evals.metrics.trajectory:distance",
        "how far the number of pieces is off where things break or pour, as a share of the real one",
        higher_is_better=False,
        unit="",
    )
    metrics.add(
        "spread_ratio",
        "evals.metrics.trajectory:distance",
        "how far pieces spread over how far they really do; 1 is right",
        higher_is_better=None,
        unit="",
    )
    metrics.add(
        "spatial_iou",
        "evals.metrics.physics_iq:terms",
        "Physics-IQ: overlap of where anything ever moves",
        higher_is_better=True,
        unit="",
    )
    metrics.add(
        "spatiotemporal_iou",
        "evals.metrics.physics_iq:terms",
        "Physics-IQ: overlap of where anything moves, frame by frame",
        higher_is_better=True,
        unit="",
    )
    metrics.add(
        "weighted_spatial_iou",
        "evals.metrics.physics_iq:terms",
        "Physics-IQ: overlap of where and how often anything moves",
        higher_is_better=True,
        unit="",
    )
    metrics.add(
        "unit_mse",
        "evals.metrics.physics_iq:unit_mse",
        "Physics-IQ: mean squared error, colours from 0 to 1",
        higher_is_better=False,
        unit="",
    )
    metrics.add(
        "spatial_iou_ceiling",
        "evals.metrics.physics_iq:terms",
        "of two real takes that begin almost alike",
        higher_is_better=None,
        unit="",
    )
    metrics.add(
        "spatiotemporal_iou_ceiling",
        "evals.metrics.physics_iq:terms",
        "of two real takes that begin almost alike",
        higher_is_better=None,
        unit="",
    )
    metrics.add(
        "weighted_spatial_iou_ceiling",
        "evals.metrics.physics_iq:terms",
        "of two real takes that begin almost alike",
        higher_is_better=None,
        unit="",
    )
    metrics.add(
        "unit_mse_ceiling",
        "evals.metrics.physics_iq:unit_mse",
        "of two real takes that begin almost alike",
        higher_is_better=None,
        unit="",
    )
    metrics.add(
        "physics_iq",
        "evals.metrics.physics_iq:score",
        "the three overlaps over those of two real takes, less the error beyond theirs; 1 is as good as another take",
        higher_is_better=True,
        unit="",
    )
    metrics.add(
        "voe_accuracy",
        "evals.metrics.violation:accuracy",
        "share of quadruplets whose impossible clips surprise more than the possible ones; chance is 0.5",
        higher_is_better=True,
        proportion=True,
        unit="",
    )
    metrics.add(
        "voe_motion_energy",
        "evals.metrics.violation:accuracy",
        "the same by how much each frame changes: knows nothing, and must be at 0.5",
        higher_is_better=None,
        unit="",
    )
    metrics.add(
        "voe_previous_frame",
        "evals.metrics.violation:accuracy",
        "the same by the error of the frame before: knows nothing, and must be at 0.5",
        higher_is_better=None,
        unit="",
    )
