"""Validity cards: a suite that measures something is valid, one that does not is not, and evaluations say so."""

import numpy as np
import pytest

from evals.cards import card_name, find_card, format_cards, keep_card, made_here, mark
from evals.run import evaluate
from evals.suites.control import ControlSuite
from evals.suites.making import make_suites
from evals.summary import Answers
from evals.validation import make_card, validate
from worldsim.core.errors import WorldsimError
from worldsim.core.records import read_json

LIMIT = 13
GAME = "voxel/arena"


@pytest.fixture
def cache(tmp_path):
    """A cache of its own, so that cards that are kept here are found here."""
    return tmp_path / "cache" / "real"


def rows(values, role, name, failed=()):
    """Answers with the given primaries; a number in ``failed`` is a scenario that failed, with its reason."""
    found = Answers(name, role, len(values))
    for index, value in enumerate(values):
        reason = dict(failed).get(index, "")
        found.rows.append(
            {
                "scenario": f"g/{index:04d}", "seed": 0, "family": "", "status": "failed" if reason else "completed",
                "values": {} if reason else {"action_swap_2afc": value}, "reason": reason,
            }
        )  # fmt: skip
    return found


def answers(low=0.9, medium=0.7, high=0.5, null=0.5, failed=()):
    """A control suite as the controls would answer it, with slightly different scenarios."""
    jitter = np.linspace(-0.02, 0.02, LIMIT)
    found = [rows(np.ones(LIMIT), "oracle", "oracle"), rows(np.full(LIMIT, null), "null", "last_frame")]
    for fault in ControlSuite.faults:
        for severity, mean in (("0.25", low), ("0.5", medium), ("1", high)):
            found.append(rows(mean + jitter, "fault", f"planted/{fault}@{severity}", failed))
    return found


def card(**changes):
    return make_card(ControlSuite(), "tests/Band-v0", {}, answers(**changes))


def test_a_suite_that_sees_everything_is_valid():
    found = card()
    assert found["valid"] is True, found["reasons"]
    fault = found["faults"][0]
    assert [point["severity"] for point in fault["points"]] == [0, 0.25, 0.5, 1]
    assert fault["spearman"] == pytest.approx(-1) and fault["auroc"]["0.5"] == 1
    assert found["controls"][1]["score"] == 0  # at chance


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"null": 0.95}, "the oracle's interval excludes last_frame"),
        ({"null": 0.6}, "last_frame scores nothing: no, score 0.2"),
        ({"low": 0.5, "high": 0.9}, "severity orders the score: no"),
        ({"low": 1.0, "medium": 1.0}, "told from oracle at 0.5: no, AUROC 0.5"),
    ],
)
def test_a_suite_that_is_deceived_is_not_valid(changes, words):
    found = card(**changes)
    assert found["valid"] is False
    assert any(words in reason for reason in found["reasons"]), found["reasons"]


def test_scenarios_without_the_fault_are_left_out_and_counted():
    few = card(failed=[(i, "CannotPlant: nothing is there") for i in range(5)])
    assert few["valid"] is None and not few["faults"][0]["judged"]
    some = card(failed=[(0, "CannotPlant: nothing is there")])
    assert some["valid"] is True
    assert (some["faults"][0]["scenarios"], some["faults"][0]["left_out"]) == (LIMIT - 1, 1)
    broken = card(failed=[(0, "ValueError: a mistake")])
    assert broken["valid"] is False and "a mistake" in broken["reasons"][0]


def test_control_gets_a_card_that_evaluations_find(cache, tmp_path):
    short = {"control": {"horizon": 6}}  # no card of it comes with worldsim
    suite = ControlSuite(horizon=6)

    def judged():
        summary = evaluate(
            [], ["control"], [(GAME, {})], tmp_path / "run", LIMIT, overrides=short, videos=0, cache=cache
        )
        return summary["suites"][0]["valid"], summary["suites"][0]["valid_reason"]

    valid, reason = judged()
    assert valid is None and f"worldsim validate suite=control env={GAME}" in reason
    (found,) = validate(["control"], [(GAME, {})], tmp_path / "out", LIMIT, overrides=short, cache=cache)
    assert found["valid"] is True, found["reasons"]
    assert {fault["fault"] for fault in found["faults"]} == set(ControlSuite.faults)
    assert find_card(suite, GAME, {}, cache) == found
    assert find_card(ControlSuite(horizon=9), GAME, {}, cache) is None  # other settings are another suite
    assert find_card(suite, "voxel/nowhere", {}, cache) is None
    (file,) = (tmp_path / "out" / "cards").glob("*.json")
    assert read_json(file) == found
    valid, reason = judged()
    assert valid is True and f"{LIMIT} scenarios" in reason
    path = made_here(cache) / card_name(suite, GAME, {})
    keep_card({**found, "valid": False, "reasons": ["blur is not seen"]}, suite, cache)
    assert judged() == (False, f"by its card of {found['made_utc'][:10]}, {LIMIT} scenarios: blur is not seen")
    path.write_text("{")
    assert judged()[0] is None
    assert "control (version 2) in voxel/arena: valid" in format_cards([found])


def test_cards_come_with_worldsim(cache):
    """Of the suites as they are now: who changes one makes its card anew."""
    for suite in make_suites(["control", "drift", "text"]):
        for env_id in suite.games:
            found = find_card(suite, env_id, {}, cache)
            assert found, f"no card: worldsim validate suite={suite.name} env={env_id}"
            assert found["valid"] is True and found["scenarios"] >= 24


def test_a_card_without_a_verdict_is_not_kept(band, cache, tmp_path):
    (found,) = validate(["control"], [(band.ENV_ID, {})], tmp_path, 2, cache=cache)
    assert found["valid"] is None and "too few" in found["reasons"][0]
    assert find_card(ControlSuite(), band.ENV_ID, {}, cache) is None


BLIND = """
from evals.suites.control import ControlSuite
from evals.trial import Measurement

class Bright(ControlSuite):
    '''Asks whether the dream is as bright as the game: a naive metric, blind to most of what can go wrong.'''
    name, primary = "bright", "action_swap_2afc"
    faults = FAULTS

    def measure(self, trial):
        apart = [abs(float(real.mean()) - float(dream.mean())) for real, dream in trial.branches()]
        result = Measurement()
        result.add("action_swap_2afc", float(max(apart) < 128))
        return result
"""


def write_suite(folder, faults):
    (folder / "bright.py").write_text(BLIND.replace("FAULTS", repr(faults)))
    text = "version: 1\nscenarios: 8\npolicy: explorer\ncontext_frames: 4\nprefix_steps: [8, 16]\nhorizon: 4\n"
    text += "horizons: [1]\nmin_difference: 1.0\nattempts: 8\nfamilies: {walk: {a: {forward: 1}, b: {back: 1}}}\n"
    (folder / "bright.yaml").write_text(text)
    return f"{folder / 'bright.py'}:Bright"


def test_a_blind_suite_of_a_users_own_is_found_out(band, cache, tmp_path):
    name = write_suite(tmp_path, ("swapped",))
    (found,) = validate([name], [(band.ENV_ID, {})], tmp_path / "out", LIMIT, cache=cache)
    assert found["valid"] is False
    assert any("last_frame" in reason for reason in found["reasons"])
    assert any("swapped: severity orders the score: no" in reason for reason in found["reasons"])
    summary = evaluate([], [name], [(band.ENV_ID, {})], tmp_path / "run", LIMIT, videos=0, cache=cache)
    assert summary["suites"][0]["valid"] is False


def test_a_card_counts_for_the_game_it_was_made_in(band, cache, tmp_path):
    """The same id made with other arguments is another game; what is named then makes the card that is missing."""
    name, recoloured = write_suite(tmp_path, ("swapped",)), {"look": 9}
    (suite,) = make_suites([name])
    (found,) = validate([name], [(band.ENV_ID, recoloured)], tmp_path / "out", LIMIT, cache=cache)
    assert find_card(suite, band.ENV_ID, recoloured, cache) == found
    assert find_card(suite, band.ENV_ID, {"look": 8}, cache) is None
    if find_card(suite, band.ENV_ID, {}, cache):
        (made_here(cache) / card_name(suite, band.ENV_ID, {})).unlink()

    def reason(env_kwargs):
        summary = {"suites": [{"suite": "bright", "game": band.ENV_ID, "valid": True, "valid_reason": "few"}]}
        return mark(summary, [suite], {band.ENV_ID: env_kwargs}, cache)["suites"][0]["valid_reason"]

    assert f"worldsim validate suite={name} env={band.ENV_ID} (here: few)" in reason({})
    assert f"validate([{name!r}], [({band.ENV_ID!r}, {{'look': 8}})]" in reason({"look": 8})
    assert "by its card" in reason(recoloured)


def test_what_cannot_be_validated_says_why(band, cache, tmp_path):
    with pytest.raises(WorldsimError, match="names no faults"):
        validate([write_suite(tmp_path, ())], [(band.ENV_ID, {})], tmp_path / "out", LIMIT, cache=cache)
    with pytest.raises(WorldsimError, match=r"0\.5, the medium one"):
        validate(["control"], [(band.ENV_ID, {})], tmp_path / "out", LIMIT, severities=(0.25, 1.0), cache=cache)
    with pytest.raises(WorldsimError, match="physics cannot be asked"):
        validate(["physics"], [(band.ENV_ID, {})], tmp_path / "out", LIMIT, cache=cache)


def test_every_suite_names_faults_and_nulls_that_there_are():
    from evals.controls import CONTROLS
    from evals.controls.planted import FAULTS
    from evals.suites import SUITES

    for suite in make_suites(SUITES.names()):
        assert set(suite.faults) <= set(FAULTS.names()), suite.name
        assert set(suite.nulls) <= set(CONTROLS.names()), suite.name
        assert not isinstance(suite.chance, str) or suite.chance in suite.nulls
