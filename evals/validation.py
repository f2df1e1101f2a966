"""Does a suite measure what it says? Its controls and planted faults, run through it, make its validity card.

Valid (DESIGN section 6) is a suite whose oracle's interval excludes every null, in which each fault's score falls with
its severity, which tells each fault at medium severity from the game, and in which no null scores above 0.1.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evals.cards import SCHEMA, keep_card
from evals.contests import NothingToAsk
from evals.controls.nearest_training_clip import TrainingData
from evals.controls.planted import FAULTS, MEDIUM, SEVERITIES, fault_name
from evals.metrics import metric_entry
from evals.run import Game, evaluate
from evals.suite import Suite
from evals.suites.making import make_suites
from evals.summary import Answers, interval
from worldsim.core.errors import WorldsimError
from worldsim.core.protocols import Reconstructs
from worldsim.core.records import describe_environment, read_rows, to_plain, utc_now, write_json
from worldsim.core.statistics import auroc, spearman

SPEARMAN = -0.9  # or below: severity orders the score
AUROC = 0.95  # or above: a fault of medium severity is told from the game
ENOUGH = 12  # scenarios: of fewer, one tie more or less would decide
NULL_SCORE = 0.1  # or below: from the suite's chance level (0) to the oracle (1)
Card = dict[str, Any]


def validate(
    suites: Sequence[str],
    games: Sequence[Game] | None,
    out: str | Path,
    limit: int,
    ceilings: Sequence[Reconstructs] = (),
    overrides: Mapping[str, Mapping[str, Any]] | None = None,
    training_data: TrainingData | None = None,
    severities: Sequence[float] = SEVERITIES,
    cache: str | Path | None = None,
    config_as_typed: Sequence[str] = (),
) -> list[Card]:
    """Run the controls of each suite in each game, write ``out/cards/*.json`` and return the cards.

    ``games`` None takes those that each suite names. ``ceilings`` are models whose autoencoder the oracle is also seen
    through; that is then what faults are told from. Cards with a verdict are kept where evaluations find them. The same
    call again goes on where it was stopped. Raises WorldsimError as ``evaluate`` does, and for a suite without faults.
    """
    chosen = make_suites(suites, overrides or {})
    for suite in chosen:
        if not suite.faults:
            raise WorldsimError(f"the suite {suite.name!r} names no faults that it must see; nothing can validate it.")
    if MEDIUM not in severities:
        raise WorldsimError(f"severities={list(severities)}: {MEDIUM}, the medium one, has to be among them.")
    pairs = [
        (name, suite, env_id, env_kwargs)
        for name, suite in zip(dict.fromkeys(suites), chosen, strict=True)
        for env_id, env_kwargs in (games if games is not None else [(env_id, {}) for env_id in suite.games])
    ]
    cards: list[Card] = []
    for name, suite, env_id, env_kwargs in pairs:
        faults = [fault_name(fault, severity) for fault in suite.faults for severity in severities]
        folder = Path(out) / suite.name
        try:
            evaluate(
                [], [name], [(env_id, env_kwargs)], folder, limit, overrides=overrides, videos=0, cache=cache,
                controls=["oracle", "oracle_vae", *suite.nulls, *faults], ceilings=ceilings,
                training_data=training_data, config_as_typed=config_as_typed,
              )  # fmt: skip
        except NothingToAsk as error:
            if len(pairs) == 1:
                raise
            print(f"{suite.name} in {env_id}: {error} Left out.", file=sys.stderr)
            continue
        card = make_card(suite, env_id, env_kwargs, read_answers(folder, suite, env_id, limit), severities)
        write_json(Path(out) / "cards" / f"{suite.name}-{env_id.replace('/', '-')}.json", card)
        keep_card(card, suite, cache)
        cards.append(card)
    return cards


def read_answers(folder: Path, suite: Suite, env_id: str, limit: int) -> list[Answers]:
    """What each control answered to the first ``limit`` scenarios of the suite, as its rows have it."""
    names = {f"{env_id}/{index:04d}" for index in range(limit)}
    found: dict[str, Answers] = {}
    for row in read_rows(folder / "rows.jsonl"):
        if row["inputs"]["suite"] == suite.hash and row["scenario"] in names:
            name = row["simulator"]
            found.setdefault(name, Answers(name, row["role"], limit)).rows.append(row)
    for answers in found.values():
        answers.rows.sort(key=lambda row: row["scenario"])
    return list(found.values())


def make_card(
    suite: Suite,
    env_id: str,
    env_kwargs: Mapping[str, Any],
    answers: Sequence[Answers],
    severities: Sequence[float] = SEVERITIES,
) -> Card:
    """The card from what the controls answered: plain data, and a verdict with its reasons."""
    info = metric_entry(suite.primary).info
    sign = 1 if info["higher_is_better"] else -1
    by_name = {one.simulator: one for one in answers}
    oracle = by_name["oracle"]
    top = next((one for one in answers if one.role == "ceiling"), oracle)
    null = by_name[suite.chance].primary(suite.primary) if isinstance(suite.chance, str) else suite.chance
    chance = float(np.nanmean(null))
    controls = [_control(suite, one, oracle, chance) for one in answers if one.role != "fault"]
    faults = [_fault(suite, fault, by_name, oracle, top, severities, sign) for fault in suite.faults]
    checks = [*_checks_of_nulls(controls, sign), *(check for fault in faults for check in fault.pop("checks"))]
    valid, reasons = _verdict(oracle, suite, faults, checks)
    card = {
        "schema": SCHEMA,
        "suite": suite.name,
        "suite_version": suite.version,
        "suite_hash": suite.hash,
        "game": env_id,
        "env_kwargs": dict(env_kwargs),
        "scenarios": len(oracle.rows),
        "primary": suite.primary,
        "higher_is_better": sign > 0,
        "unit": info["unit"],
        "chance": chance,
        "told_from": top.simulator,
        "controls": controls,
        "faults": faults,
        "checks": checks,
        "valid": valid,
        "reasons": reasons,
        "made_utc": utc_now(),
        "environment": describe_environment(),
    }
    return to_plain(card)


def _control(suite: Suite, one: Answers, oracle: Answers, chance: float) -> dict[str, Any]:
    """Mean and interval of the primary, and where it lies between chance (0) and the oracle (1)."""
    found, real = (interval(suite.primary, part.primary(suite.primary)) for part in (one, oracle))
    span = real.mean - chance
    return {
        "control": one.simulator,
        "role": one.role,
        **found._asdict(),
        "score": (found.mean - chance) / span if span else float("nan"),
        "completed": one.count("completed"),
        "unscored": one.count("unscored"),
        "failed": one.count("failed"),
        "failure": next((row["reason"] for row in one.rows if row["status"] == "failed"), ""),
    }


def _fault(
    suite: Suite,
    fault: str,
    answers: Mapping[str, Answers],
    oracle: Answers,
    top: Answers,
    severities: Sequence[float],
    sign: int,
) -> dict[str, Any]:
    """One fault's scores by severity, over the scenarios in which it could be planted at every one."""
    found = [answers[fault_name(fault, severity)] for severity in severities]
    table: NDArray[np.float64] = np.stack(
        [_scored(one, suite.primary) for one in (oracle, top, *found)]
    )  # (2 + severities, n)
    failures = [row["reason"] for one in found for row in one.rows if row["status"] == "failed"]
    broken = [reason for reason in failures if not reason.startswith("CannotPlant")]
    kept = np.isfinite(table).all(axis=0)
    assert isinstance(kept, np.ndarray)
    n = int(kept.sum())
    real, reference, *scores = table[:, kept]
    points = [
        {"severity": severity, **interval(suite.primary, values)._asdict()}
        for severity, values in zip((0.0, *severities), (real, *scores), strict=True)
    ]
    order = spearman([0.0, *severities], [sign * point["mean"] for point in points]) if n else float("nan")
    told = {f"{severity:g}": auroc(sign * reference, sign * s) for severity, s in zip(severities, scores, strict=True)}
    checks = []
    if broken:
        checks.append(_check(f"{fault} runs", False, f"{len(broken)} times it failed: {broken[0]}"))
    if n >= ENOUGH:
        medium = told[f"{MEDIUM:g}"]
        means = ", ".join(f"{point['mean']:.3g}" for point in points)
        checks += [
            _check(f"{fault}: severity orders the score", order <= SPEARMAN, f"Spearman {order:.2f} of {means}"),
            _check(f"{fault}: told from {top.simulator} at {MEDIUM:g}", medium >= AUROC, f"AUROC {medium:.3f}"),
        ]
    return {
        "fault": fault,
        "summary": FAULTS.entry(fault).summary,
        "scenarios": n,
        "left_out": len(kept) - n,
        "left_out_reason": next(iter(failures), "") or ("not scored" if n < len(kept) else ""),
        "judged": n >= ENOUGH,
        "points": points,
        "spearman": order,
        "auroc": told,
        "checks": checks,
    }


def _scored(one: Answers, metric: str) -> NDArray[np.float64]:
    """The primary of every scenario (n,), NaN where it failed or could not be scored."""
    return one.by_seed(metric)[:, 0]


def _checks_of_nulls(controls: Sequence[dict[str, Any]], sign: int) -> list[dict[str, Any]]:
    oracle = next(one for one in controls if one["role"] == "oracle")
    worst_side = oracle["low"] if sign > 0 else oracle["high"]
    checks = []
    for one in controls:
        if one["role"] == "oracle" and one["failed"]:
            checks.append(_check("the oracle runs", False, f"{one['failed']} times it failed: {one['failure']}"))
        if one["role"] != "null":
            continue
        name = one["control"]
        text = f"{name} {one['mean']:.3g}, oracle {oracle['mean']:.3g} [{oracle['low']:.3g}, {oracle['high']:.3g}]"
        checks.append(_check(f"the oracle's interval excludes {name}", sign * (worst_side - one["mean"]) > 0, text))
        checks.append(_check(f"{name} scores nothing", one["score"] <= NULL_SCORE, f"score {one['score']:.3f}"))
    return checks


def _check(name: str, passed: bool, text: str) -> dict[str, Any]:
    return {"check": name, "passed": bool(passed), "text": text}


def _verdict(
    oracle: Answers, suite: Suite, faults: Sequence[dict[str, Any]], checks: Sequence[dict[str, Any]]
) -> tuple[bool | None, list[str]]:
    """Valid, invalid with what speaks against it, or None where there is too little to say."""
    scored = int(np.isfinite(oracle.primary(suite.primary)).sum())
    judged = [fault["fault"] for fault in faults if fault["judged"]]
    wrong = [f"{check['check']}: no, {check['text']}" for check in checks if not check["passed"]]
    if scored < ENOUGH:
        return None, [f"{scored} scored scenarios are too few, at least {ENOUGH} are needed"]
    if wrong:
        return False, wrong
    if not judged:
        return None, [f"no fault could be planted in {ENOUGH} scenarios"]
    nulls = sum(check["check"].startswith("the oracle's interval") for check in checks)
    left = [fault["fault"] for fault in faults if not fault["judged"]]
    reason = f"the oracle excludes {nulls} nulls, and {len(judged)} planted faults are seen and ordered"
    return True, [reason + (f"; not planted here: {', '.join(left)}" if left else "")]
