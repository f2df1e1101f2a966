"""Planted faults: each does what it is called, more of it at a higher severity."""

import pytest

from evals.controls.planted import SEVERITIES, fault_name, parse_fault
from evals.run import evaluate
from worldsim.core.errors import UnknownNameError, WorldsimError
from worldsim.core.records import read_rows


def test_names_are_read_and_wrong_ones_refused():
    assert parse_fault("planted/blur@0.25") == ("blur", 0.25)
    assert parse_fault("planted/blur") == ("blur", 1.0)
    assert fault_name(*parse_fault("planted/blur@1")) == "planted/blur@1"
    with pytest.raises(UnknownNameError, match="Did you mean 'blur'"):
        parse_fault("planted/blurr@0.5")
    for wrong in ("0", "1.5", "-1", "much", "nan", ""):
        with pytest.raises(WorldsimError, match="above 0 and up to 1"):
            parse_fault(f"planted/blur@{wrong}")


def test_an_evaluation_takes_planted_faults_as_controls(band, case_cache, tmp_path):
    names = [fault_name("blur", severity) for severity in SEVERITIES]
    summary = evaluate(
        [], ["control"], [(band.ENV_ID, {})], tmp_path, 3, controls=["oracle", *names], cache=case_cache, videos=0
    )
    rows = read_rows(tmp_path / "rows.jsonl")
    assert {row["role"] for row in rows if row["simulator"] in names} == {"fault"}
    assert {row["status"] for row in rows} == {"completed"}
    psnr = {entry["simulator"]: entry["metrics"]["psnr@8"]["mean"] for entry in summary["suites"][0]["simulators"]}
    assert 100 == psnr["oracle"] > psnr[names[0]] > psnr[names[1]] > psnr[names[2]]
    with pytest.raises(UnknownNameError, match="Did you mean 'planted/blur'"):
        evaluate([], ["control"], [(band.ENV_ID, {})], tmp_path, 3, controls=["planted/blurr@1"], cache=case_cache)
    with pytest.raises(WorldsimError, match="above 0 and up to 1"):
        evaluate([], ["control"], [(band.ENV_ID, {})], tmp_path, 3, controls=["planted/blur@7"], cache=case_cache)
