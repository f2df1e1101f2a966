"""The numbers of the physics suite, from where the bodies of a dream were found."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from evals.instruments.bodies import Sighting
from evals.metrics import mechanics, physics_iq, violation
from evals.metrics.trajectory import distance, lost_at_most, middle, skill
from evals.scenarios import Case
from evals.trial import Measurement, Trial

NAMED_SIZE = (1 / 3, 3)  # times the real body's pixels: outside of it a body counts as not found


def measure_physics(trial: Trial, found: Sighting, moved: float) -> Measurement:
    """All of them; ``found`` are the C bodies in the H frames, ``moved`` the distance (frame heights) of what moved."""
    result, case = Measurement(), trial.case
    _trajectories(result, case, found)
    _outcome(result, case, found, moved)
    _mechanics(result, case, found)
    _pieces(result, case, found)
    _physics_iq(result, trial)
    _violation(result, trial)
    return result


def _trajectories(result: Measurement, case: Case, found: Sighting) -> None:
    facts = case.facts
    scored, height = facts["scored"], case.context_frames.shape[1]
    error = lost_at_most(distance(found.shapes, facts["shapes"]))
    naive = facts["naive_error"]
    result.add("trajectory_skill", skill(error[scored].mean(), naive.min()))
    result.add("skill_over_constant_velocity", skill(error[scored].mean(), naive[1]))
    share = np.divide(found.areas, facts["areas"], out=np.zeros_like(found.areas), where=facts["areas"] > 0)
    parsed = found.seen & (share > NAMED_SIZE[0]) & (share < NAMED_SIZE[1])
    result.add("parse_rate", parsed[scored].mean())
    result.add("instrument_error_px", facts["instrument_error"][scored].mean() * height)
    result.add("instrument_coverage", scored.sum() / facts["visible"].sum())
    counts = np.maximum(scored.sum(1), 1)
    still, constant = (lost_at_most(distance(one, facts["shapes"])) for one in facts["forecasts"])
    result.curves = {
        name: (values * scored).sum(1) / counts
        for name, values in (("error", error), ("error_still", still), ("error_constant_velocity", constant))
    }


def _outcome(result: Measurement, case: Case, found: Sighting, moved: float) -> None:
    """What moved in the end (towers and dominoes fall, what was hit rolls off), and when what rested began to."""
    facts = case.facts
    bodies = np.flatnonzero(facts["scored"].any(0))
    real, dream = (
        _moved(shapes, facts["start_shapes"], moved)[:, bodies] for shapes in (facts["shapes"], found.shapes)
    )
    result.add("outcome_agreement", (real.any(0) == dream.any(0)).mean())
    rests = ~_moved(facts["forecasts"][1], facts["start_shapes"], moved)[:, bodies].any(0)
    struck = rests & real.any(0)
    if not struck.any():
        result.add("onset_error_s", np.nan, "nothing that rested begins to move")
        return
    starts = [np.where(one.any(0), one.argmax(0), len(one))[struck] for one in (real, dream)]
    result.add("onset_error_s", np.abs(starts[0] - starts[1]).mean() / case.fps)


def _moved(shapes: NDArray[np.floating], start: NDArray[np.floating], moved: float) -> NDArray[np.bool_]:
    """(H, C) which bodies are away from where they were; one that is not seen is not."""
    away = distance(shapes, np.broadcast_to(start, shapes.shape))
    return np.nan_to_num(away) > moved


def _mechanics(result: Measurement, case: Case, found: Sighting) -> None:
    facts = case.facts
    singles = np.flatnonzero(~facts["many"] & facts["scored"].any(0))
    whole = facts["scored"][:, singles]

    def places(shapes: NDArray[np.floating]) -> NDArray[np.float64]:
        middles = np.where(whole[..., None], middle(shapes[:, singles]), np.nan)
        planes, height = facts["planes"][singles], case.context_frames.shape[1]
        return mechanics.places_m(middles, height, planes, facts["K"], facts["T_world_camera"])

    real, dream = places(facts["shapes"]), places(found.shapes)
    gravity = mechanics.gravity_m_s2(dream[..., 2], facts["flies"][:, singles], case.fps)
    result.add(
        "gravity_m_s2", gravity, "" if np.isfinite(gravity) else "no body is seen to fall freely for long enough"
    )
    masses = facts["masses_kg"][singles]
    momenta = [mechanics.momentum(one, masses, case.fps) for one in (real, dream)]
    energies = [mechanics.energy(one, masses, case.fps) for one in (real, dream)]
    both = np.isfinite(energies[0]) & np.isfinite(energies[1])
    if len(singles) < len(facts["many"]) or not both.any():
        for name in ("momentum_error", "energy_ratio"):
            result.add(name, np.nan, "not all bodies can be followed one by one in the game and in the dream")
        return
    sizes = np.linalg.norm(momenta[0][both], axis=1).mean()
    off = np.linalg.norm(momenta[1][both] - momenta[0][both], axis=1).mean()
    result.add("momentum_error", off / sizes if sizes > 0 else np.nan, "" if sizes > 0 else "nothing moves")
    result.add("energy_ratio", energies[1][both].mean() / energies[0][both].mean())


def _pieces(result: Measurement, case: Case, found: Sighting) -> None:
    """What breaks and pours: how many pieces, how far they spread, and how much of the colour there is."""
    facts = case.facts
    scored = facts["scored"]
    result.add("mass_ratio", found.areas[scored].sum() / facts["areas"][scored].sum())
    many = scored & facts["many"]
    if not many.any():
        for name in ("pieces_error", "spread_ratio"):
            result.add(name, np.nan, "nothing here breaks or pours")
        return
    result.add("pieces_error", (np.abs(found.pieces - facts["pieces"]) / facts["pieces"].clip(1))[many].mean())
    spreads = [np.nan_to_num(shapes[many].std(-1)).mean() for shapes in (found.shapes, facts["shapes"])]
    result.add("spread_ratio", spreads[0] / spreads[1])


def _physics_iq(result: Measurement, trial: Trial) -> None:
    real, dream, take = trial.case.real["plays"].frames, trial.dream["plays"].frames, trial.case.facts["take"]
    masks = {name: physics_iq.motion_masks(trial.start, one) for name, one in (("real", real), ("dream", dream))}
    # The other take begins where it begins: its own first frame starts its running mean.
    found = physics_iq.terms(masks["real"], masks["dream"])
    ceiling = physics_iq.terms(masks["real"], physics_iq.motion_masks(take[0], take))
    mse, ceiling_mse = physics_iq.unit_mse(real, dream), physics_iq.unit_mse(real, take)
    reason = "" if np.isfinite([*found.values(), *ceiling.values()]).all() else "nothing moves between frames"
    for term in physics_iq.TERMS:
        result.add(term, found[term], reason)
        result.add(f"{term}_ceiling", ceiling[term], reason)
    result.add("unit_mse", mse)
    result.add("unit_mse_ceiling", ceiling_mse)
    whole = np.nan if reason else physics_iq.score(found, mse, ceiling, ceiling_mse)
    result.add("physics_iq", whole, reason)


def _violation(result: Measurement, trial: Trial) -> None:
    facts = trial.case.facts
    if "clips" not in facts:
        for name in ("voe_accuracy", "voe_motion_energy", "voe_previous_frame"):
            result.add(name, np.nan, "nothing passes out of sight here")
        return
    scores = np.nan if trial.surprise is None else violation.accuracy(trial.surprise)
    result.add("voe_accuracy", scores, trial.surprise_reason)
    result.add("voe_motion_energy", violation.accuracy(violation.motion_energy(facts["clips"])))
    result.add("voe_previous_frame", violation.accuracy(violation.previous_frame_error(facts["clips"])))
