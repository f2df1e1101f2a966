"""Metrics by name: what each says, in which direction it is better, and whether it is a proportion.

``"psnr@8"`` is the metric ``psnr`` at horizon 8 (frames are counted from 1, the frame after the first action).
"""

from __future__ import annotations

from worldsim.core.registry import Entry, Registry

METRICS = Registry("metric")
METRICS.add(
    "action_swap_2afc",
    "evals.metrics.choice:action_swap_2afc",
    "share of frames in which two dreams are nearest to the right one of two branches; chance is 0.5, blur no hurt",
    higher_is_better=True,
    proportion=True,
    unit="",
)
METRICS.add(
    "prompt_swap_2afc",
    "evals.metrics.choice:ordered_2afc",
    "of two dreams of two prompts, does each lie on its own prompt's side of the other? chance is 0.5",
    higher_is_better=True,
    proportion=True,
    unit="",
)
METRICS.add(
    "predicate_accuracy",
    "evals.metrics.choice:ordered_2afc",
    "share of dreams that an instrument made of real frames takes for what their prompt says, each by itself",
    higher_is_better=True,
    proportion=True,
    unit="",
)
METRICS.add(
    "instrument_accuracy",
    "evals.metrics.choice:ordered_2afc",
    "share of real clips about which the instrument of a text scenario is right",
    higher_is_better=None,
    unit="",
)
METRICS.add(
    "psnr",
    "evals.metrics.pixels:psnr",
    "peak signal-to-noise ratio to the real frame, capped at 100 dB; rewards blur over a sharp wrong guess",
    higher_is_better=True,
    unit="dB",
)
METRICS.add(
    "psnr_gain",
    "evals.metrics.pixels:psnr",
    "PSNR above that of the last context frame held still",
    higher_is_better=True,
    unit="dB",
)
METRICS.add(
    "mse",
    "evals.metrics.pixels:mse",
    "mean squared error to the real frame, in squared 8-bit steps",
    higher_is_better=False,
    unit="",
)
METRICS.add(
    "mismatch",
    "evals.metrics.drift:mismatch",
    "1 - correlation with the real frame beyond the game's mean frame: 0 equal, 1 unrelated; fading wins nothing",
    higher_is_better=False,
    unit="",
)
METRICS.add(
    "drift_horizon_frames",
    "evals.metrics.drift:horizon_frames",
    "frames until the dream is as far from the game as moments of unrelated real episodes (mismatch, smoothed)",
    higher_is_better=True,
    unit="frames",
)
METRICS.add(
    "drift_censored",
    "evals.metrics.drift:horizon_frames",
    "share of scenarios that never got lost within the horizon, so that drift_horizon_frames is a lower bound",
    higher_is_better=None,
    proportion=True,
    unit="",
)
METRICS.add(
    "motion_energy_ratio",
    "evals.metrics.drift:motion_energy_ratio",
    "frame-to-frame change of the dream over that of the game; 1 is right, 0 is frozen",
    higher_is_better=None,
    unit="",
)
METRICS.add(
    "colour_drift",
    "evals.metrics.drift:colour_drift",
    "difference of the mean colour to the real frame's, in 8-bit steps",
    higher_is_better=False,
    unit="",
)
METRICS.add(
    "reward_mae",
    "evals.metrics.drift:reward_mae",
    "mean absolute error of the reward, a step",
    higher_is_better=False,
    unit="",
)
METRICS.add(
    "termination_false_alarm",
    "evals.metrics.drift:termination_false_alarm",
    "mean termination probability on steps that do not end the episode",
    higher_is_better=False,
    unit="",
)

METRICS.add(
    "trajectory_skill",
    "evals.metrics.trajectory:skill",
    "1 - error of the bodies' places / that of the better of two forecasts: all rests, all keeps its velocity",
    higher_is_better=True,
    unit="",
)
METRICS.add(
    "skill_over_constant_velocity",
    "evals.metrics.trajectory:skill",
    "the same over the forecast at constant velocity alone",
    higher_is_better=True,
    unit="",
)
METRICS.add(
    "parse_rate",
    "evals.metrics.trajectory:distance",
    "share of bodies and frames in which a body is found, about as large as the real one",
    higher_is_better=True,
    unit="",
)
METRICS.add(
    "instrument_error_px",
    "evals.metrics.trajectory:distance",
    "how far from their true places bodies are found in the real frames that are scored",
    higher_is_better=None,
    unit="px",
)
METRICS.add(
    "instrument_coverage",
    "evals.metrics.trajectory:distance",
    "share of visible bodies and frames that the instrument finds in the real game, and so are scored",
    higher_is_better=None,
    unit="",
)
METRICS.add(
    "outcome_agreement",
    "evals.metrics.trajectory:distance",
    "share of bodies that moved in the dream just if they did in the game: what toppled, what was hit",
    higher_is_better=True,
    unit="",
)
METRICS.add(
    "onset_error_s",
    "evals.metrics.trajectory:distance",
    "by how much bodies that rested begin to move too early or too late",
    higher_is_better=False,
    unit="s",
)
METRICS.add(
    "gravity_m_s2",
    "evals.metrics.mechanics:gravity_m_s2",
    "acceleration of bodies in the dream that fall freely in the game; it is 9.81 there",
    higher_is_better=None,
    unit="m/s^2",
)
METRICS.add(
    "momentum_error",
    "evals.metrics.mechanics:momentum",
    "how far the bodies' momentum is off, as a share of the real one",
    higher_is_better=False,
    unit="",
)
METRICS.add(
    "energy_ratio",
    "evals.metrics.mechanics:energy",
    "kinetic and potential energy of the bodies over the real one; 1 is right",
    higher_is_better=None,
    unit="",
)
METRICS.add(
    "mass_ratio",
    "evals.metrics.trajectory:distance",
    "pixels in the bodies' colours over the real ones; 1 is right, less has vanished",
    higher_is_better=None,
    unit="",
)
METRICS.add(
    "pieces_error",
    "evals.metrics.trajectory:distance",
    "how far the number of pieces is off where things break or pour, as a share of the real one",
    higher_is_better=False,
    unit="",
)
METRICS.add(
    "spread_ratio",
    "evals.metrics.trajectory:distance",
    "how far pieces spread over how far they really do; 1 is right",
    higher_is_better=None,
    unit="",
)
METRICS.add(
    "spatial_iou",
    "evals.metrics.physics_iq:terms",
    "Physics-IQ: overlap of where anything ever moves",
    higher_is_better=True,
    unit="",
)
METRICS.add(
    "spatiotemporal_iou",
    "evals.metrics.physics_iq:terms",
    "Physics-IQ: overlap of where anything moves, frame by frame",
    higher_is_better=True,
    unit="",
)
METRICS.add(
    "weighted_spatial_iou",
    "evals.metrics.physics_iq:terms",
    "Physics-IQ: overlap of where and how often anything moves",
    higher_is_better=True,
    unit="",
)
METRICS.add(
    "unit_mse",
    "evals.metrics.physics_iq:unit_mse",
    "Physics-IQ: mean squared error, colours from 0 to 1",
    higher_is_better=False,
    unit="",
)
METRICS.add(
    "spatial_iou_ceiling",
    "evals.metrics.physics_iq:terms",
    "of two real takes that begin almost alike",
    higher_is_better=None,
    unit="",
)
METRICS.add(
    "spatiotemporal_iou_ceiling",
    "evals.metrics.physics_iq:terms",
    "of two real takes that begin almost alike",
    higher_is_better=None,
    unit="",
)
METRICS.add(
    "weighted_spatial_iou_ceiling",
    "evals.metrics.physics_iq:terms",
    "of two real takes that begin almost alike",
    higher_is_better=None,
    unit="",
)
METRICS.add(
    "unit_mse_ceiling",
    "evals.metrics.physics_iq:unit_mse",
    "of two real takes that begin almost alike",
    higher_is_better=None,
    unit="",
)
METRICS.add(
    "physics_iq",
    "evals.metrics.physics_iq:score",
    "the three overlaps over those of two real takes, less the error beyond theirs; 1 is as good as another take",
    higher_is_better=True,
    unit="",
)
METRICS.add(
    "voe_accuracy",
    "evals.metrics.violation:accuracy",
    "share of quadruplets whose impossible clips surprise more than the possible ones; chance is 0.5",
    higher_is_better=True,
    proportion=True,
    unit="",
)
METRICS.add(
    "voe_motion_energy",
    "evals.metrics.violation:accuracy",
    "the same by how much each frame changes: knows nothing, and must be at 0.5",
    higher_is_better=None,
    unit="",
)
METRICS.add(
    "voe_previous_frame",
    "evals.metrics.violation:accuracy",
    "the same by the error of the frame before: knows nothing, and must be at 0.5",
    higher_is_better=None,
    unit="",
)
METRICS.add(
    "permanence",
    "evals.metrics.counterfactual:project",
    "how much of what was out of sight is back, and nothing else, if one really looked away: agreement x looked_away",
    higher_is_better=True,
    unit="",
)
METRICS.add(
    "persistence",
    "evals.metrics.counterfactual:project",
    "how much of what was done is still to be seen, and nothing else: agreement x looked_away",
    higher_is_better=True,
    unit="",
)
METRICS.add(
    "at_once",
    "evals.metrics.counterfactual:project",
    "how much of what was done is to be seen in the frame right after it: was it ever there?",
    higher_is_better=True,
    unit="",
)
METRICS.add(
    "agreement",
    "evals.metrics.counterfactual:project",
    "rho over what the dream shows too much of and keeps showing; 1 for the game alone",
    higher_is_better=True,
    unit="",
)
METRICS.add(
    "rho",
    "evals.metrics.counterfactual:project",
    "generated contrast of two branches projected on the real one; 1 in the game, 0 where it is forgotten",
    higher_is_better=True,
    unit="",
)
METRICS.add(
    "leak",
    "evals.metrics.counterfactual:project",
    "energy of the generated contrast where the real branches do not differ, in energies of the real one",
    higher_is_better=False,
    unit="",
)
METRICS.add(
    "looked_away",
    "evals.metrics.counterfactual:looked_away",
    "how little of the thing is left in view while it should be out of sight; 0 is a still picture",
    higher_is_better=True,
    unit="",
)
METRICS.add(
    "identity",
    "evals.instruments.colour_tracker:ColourTracker",
    "share of scored frames and subjects found with their colours, at their own place rather than another's",
    higher_is_better=True,
    unit="",
)
METRICS.add(
    "count_error",
    "evals.instruments.colour_tracker:ColourTracker",
    "by how many the things with the subject's colours are too many or too few",
    higher_is_better=False,
    unit="",
)
METRICS.add(
    "position_error_px",
    "evals.instruments.colour_tracker:ColourTracker",
    "how far from their places subjects are found, where they are found",
    higher_is_better=False,
    unit="px",
)
METRICS.add(
    "instrument_iou",
    "evals.instruments.colour_tracker:ColourTracker",
    "overlap with the truth of where the instrument finds the subject in the real scored frames",
    higher_is_better=None,
    unit="",
)
METRICS.add(
    "advanced",
    "evals.metrics.counterfactual:nearest",
    "share of moving subjects that are where they would be by now",
    higher_is_better=True,
    proportion=True,
    unit="",
)
METRICS.add(
    "frozen",
    "evals.metrics.counterfactual:nearest",
    "share of moving subjects that are where they were last seen",
    higher_is_better=None,
    proportion=True,
    unit="",
)
METRICS.add(
    "vanished",
    "evals.metrics.counterfactual:nearest",
    "share of moving subjects that are gone",
    higher_is_better=False,
    proportion=True,
    unit="",
)
METRICS.add(
    "ssim",
    "evals.metrics.pixels:ssim",
    "structural similarity to the real frame; rewards blur less than PSNR does, but it does",
    higher_is_better=True,
    unit="",
)
METRICS.add(
    "lpips",
    "evals.metrics.learned:Network",
    "perceptual distance to the real frame (LPIPS, VGG16), where weights are found",
    higher_is_better=False,
    unit="",
)
METRICS.add(
    "fvd",
    "evals.metrics.learned:frechet_distance",
    "Frechet video distance (I3D features) of all dreams from all real videos, where weights are found",
    higher_is_better=False,
    unit="",
)
METRICS.add(
    "commanded_fraction",
    "evals.metrics.epipolar:commanded_fraction",
    "matches within N px of where the commanded cameras allow, relative to the game; missing ones count against",
    higher_is_better=True,
    unit="",
)
METRICS.add(
    "match_coverage",
    "evals.metrics.epipolar:commanded_fraction",
    "telling matches found, as a share of those in the game",
    higher_is_better=True,
    unit="",
)
METRICS.add(
    "field_psnr",
    "evals.reconstruction.place:PlaceNumbers",
    "of the held-out frames, seen by a radiance field of the others; a blank video is easy",
    higher_is_better=True,
    unit="dB",
)
METRICS.add(
    "field_psnr_beside_game",
    "evals.reconstruction.place:PlaceNumbers",
    "field_psnr less that of the same reconstruction of the game",
    higher_is_better=True,
    unit="dB",
)
METRICS.add(
    "field_skill",
    "evals.reconstruction.place:PlaceNumbers",
    "share of the change between frames that the radiance field explains; 0 for still and blank videos",
    higher_is_better=True,
    unit="",
)
METRICS.add(
    "splat_psnr",
    "evals.reconstruction.place:PlaceNumbers",
    "of the held-out frames, seen by a point splat of the others",
    higher_is_better=True,
    unit="dB",
)
METRICS.add(
    "splat_psnr_beside_game",
    "evals.reconstruction.place:PlaceNumbers",
    "splat_psnr less that of the same reconstruction of the game",
    higher_is_better=True,
    unit="dB",
)
METRICS.add(
    "depth_agreement",
    "evals.reconstruction.place:PlaceNumbers",
    "pixels whose depth in the radiance field is within 25 % of the game's",
    higher_is_better=True,
    unit="",
)
METRICS.add(
    "depth_agreement_of_game",
    "evals.reconstruction.place:PlaceNumbers",
    "depth_agreement of the same reconstruction of the game: what can be reached",
    higher_is_better=None,
    unit="",
)
METRICS.add(
    "half_life_frames",
    "evals.metrics.lasting:lasting",
    "frames after which half of what was there at first is left; the longest lag where more is",
    higher_is_better=True,
    unit="frames",
)
METRICS.add(
    "half_life_low_frames",
    "evals.metrics.lasting:lasting",
    "lower end of the half-life's 95 % interval",
    higher_is_better=None,
    unit="frames",
)
METRICS.add(
    "half_life_high_frames",
    "evals.metrics.lasting:lasting",
    "upper end of the half-life's 95 % interval",
    higher_is_better=None,
    unit="frames",
)
METRICS.add(
    "sfm_registered",
    "evals.reconstruction.motion_structure:structure_from_motion",
    'share of the frames that COLMAP registers in one model; 0 is "no reconstruction"',
    higher_is_better=True,
    unit="",
)
METRICS.add(
    "sfm_position_error",
    "evals.reconstruction.motion_structure:structure_from_motion",
    "how far COLMAP's cameras are from the commanded ones, as a share of the path's extent",
    higher_is_better=False,
    unit="",
)
METRICS.add(
    "sfm_rotation_error_deg",
    "evals.reconstruction.motion_structure:structure_from_motion",
    "median angle between COLMAP's cameras and the commanded ones",
    higher_is_better=False,
    unit="deg",
)


def metric_entry(name: str) -> Entry:
    """The entry of a value's metric: ``psnr@8`` and ``psnr`` are the same one."""
    return METRICS.entry(name.partition("@")[0])
