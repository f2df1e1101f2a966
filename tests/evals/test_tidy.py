import numpy as np
import pytest

from evals.run import evaluate
from evals.tidy import COLUMNS, read_table
from worldsim.core.errors import DamagedFileError, WorldsimError
from worldsim.core.records import read_rows


@pytest.fixture
def run(band, tmp_path, case_cache):
    """Six scenarios of control in two seeds; the simulator fails in one of them."""
    from test_runner import starts

    faulty = band.Faulty(starts(band, case_cache, [4]), "raise")
    evaluate(
        [(faulty, "model")], ["control"], [(band.ENV_ID, {})], tmp_path, 6, seeds=2, videos=0, cache=case_cache,
        controls=["oracle"],
    )  # fmt: skip
    return tmp_path


def test_a_line_for_each_value(run):
    table = read_table(run)
    assert list(table.columns) == list(COLUMNS)
    rows = read_rows(run / "rows.jsonl")
    assert len(table) == sum(len(row["values"]) or 1 for row in rows)
    psnr = table[(table.metric == "psnr") & (table.model == "faulty")]
    assert sorted(psnr.lag.unique()) == [1, 4, 8]
    curve = psnr.groupby(["scenario", "lag"]).value.mean().unstack()
    assert curve.shape == (5, 3)
    expected = np.mean(
        [row["values"]["psnr@4"] for row in rows if row["scenario"][-1] == "2" and row["role"] == "model"]
    )
    assert curve.loc[f"{rows[0]['game']}/0002", 4] == pytest.approx(expected)
    whole = table[table.metric == "action_swap_2afc"]
    assert whole.lag.isna().sum() == 6 * 3  # of the whole branch: 6 scenarios, two seeds and the oracle


def test_a_failed_scenario_says_so(run):
    table = read_table(run)
    failed = table[table.reason.str.contains("out of dreams")]
    assert failed.metric.tolist() == ["action_swap_2afc"] * 2
    assert failed.seed.tolist() == [0, 1]
    assert failed.value.isna().all()
    assert ((table.reason != "") == table.value.isna()).all()  # also where an instrument could not tell


def test_what_is_no_table_is_named(tmp_path):
    with pytest.raises(WorldsimError, match=r"no table\.csv; worldsim eval writes it"):
        read_table(tmp_path)
    (tmp_path / "table.csv").write_text("suite,value\ncontrol,1\n")
    with pytest.raises(DamagedFileError, match=r"table\.csv is not a table of results"):
        read_table(tmp_path)
