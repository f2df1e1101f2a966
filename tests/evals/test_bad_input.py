"""What cannot be evaluated is said in words, and nothing that was done is lost."""

import gymnasium
import pytest

from evals.run import evaluate
from evals.suites.control import ControlSuite
from evals.suites.making import make_suites
from worldsim.core.errors import UnknownNameError, WorldsimError
from worldsim.core.records import read_json, read_rows


def run(band, out, cache, suites=("control",), env_id=None, **changes):
    arguments = {"limit": 4, "videos": 0, "controls": ["oracle", "last_frame"], "cache": cache}
    return evaluate([(band.Noisy(), "model")], suites, [(env_id or band.ENV_ID, {})], out, **arguments | changes)


@pytest.mark.parametrize(
    ("suite", "message"),
    [
        ("contrl", r"unknown suite 'contrl'\. Did you mean 'control'\?"),
        ("no_such_file.py:Mine", r"there is no file no_such_file\.py in .*; give the path"),
        ("evals/suites/control.py", r"which class of evals/suites/control\.py is the suite\?"),
        ("no_such_module:Mine", r"the suite 'no_such_module:Mine' cannot be loaded: there is no module"),
        ("evals.suites.control:ControlSuit", r"unknown suite in evals\.suites\.control: 'ControlSuit'.*'ControlSuite'"),
        ("evals.suites.control:ControlConfig", r"ControlConfig is no suite; derive it from evals\.suite\.Suite"),
        ("evals.suites.control:ControlSuite", r"is called 'control', as one of worldsim's own is"),
        ("evals.suite:Suite", r"is no whole suite; it lacks build, measure"),
    ],
)
def test_a_wrong_suite_is_explained(suite, message):
    with pytest.raises(WorldsimError, match=message):
        make_suites([suite])


def test_a_metric_that_is_not_registered_stops_at_the_first_scenario(band, tmp_path, case_cache, monkeypatch):
    run(band, tmp_path, case_cache, limit=2)
    before = (tmp_path / "rows.jsonl").read_bytes()
    whole = ControlSuite.measure

    def measure(self, trial):
        result = whole(self, trial)
        result.add("pnsr", 1.0)
        return result

    with monkeypatch.context() as patch:
        patch.setattr(ControlSuite, "measure", measure)
        with pytest.raises(UnknownNameError, match=r"unknown metric 'pnsr'\. Did you mean 'psnr'"):
            run(band, tmp_path, case_cache)
    assert (tmp_path / "rows.jsonl").read_bytes() == before
    assert run(band, tmp_path, case_cache)["suites"][0]["simulators"][0]["completed"] == 4


class OneWay(gymnasium.Env):
    """Another game without its states."""

    metadata = {"render_modes": [], "render_fps": 10}  # noqa: RUF012

    def __init__(self, game, render_mode=None):
        self.game, self.render_mode = game(), render_mode
        self.observation_space, self.action_space = self.game.observation_space, self.game.action_space

    def reset(self, *, seed=None, options=None):
        return self.game.reset(seed=seed)

    def step(self, action):
        return self.game.step(action)


@pytest.fixture
def one_way(band):
    env_id = "tests/OneWay-v0"
    if env_id not in gymnasium.registry:
        gymnasium.register(env_id, entry_point=OneWay, kwargs={"game": band.BandGame})
    return env_id


def test_a_game_without_branches_is_left_out_of_suites_that_need_them(band, one_way, tmp_path, case_cache, capsys):
    with pytest.raises(
        WorldsimError, match=r"control cannot be asked in tests/OneWay-v0: .*cannot be branched exactly"
    ):
        run(band, tmp_path / "one", case_cache, env_id=one_way)
    short = {"drift": {"horizon": 8, "independent_episodes": 2}}
    summary = run(band, tmp_path / "two", case_cache, ["control", "drift"], one_way, overrides=short)
    (part,) = summary["suites"]
    assert part["suite"] == "drift"
    assert {one["simulator"]: one["completed"] for one in part["simulators"]} == {"noisy": 4, "last_frame": 4}
    assert part["valid"] is None
    said = capsys.readouterr().err
    assert "control cannot be asked in tests/OneWay-v0" in said
    assert "no score, for oracle replay it" in said


@pytest.mark.parametrize(("name", "value"), [("limit", 0), ("limit", -3), ("seeds", 0), ("batch", 0), ("videos", -1)])
def test_empty_requests_name_the_value(band, tmp_path, case_cache, name, value):
    with pytest.raises(WorldsimError, match=f"{name}={value}"):
        run(band, tmp_path, case_cache, **{name: value})
    with pytest.raises(WorldsimError, match=r"no suite was asked for"):
        run(band, tmp_path, case_cache, suites=[])


@pytest.mark.parametrize("share", [0.03, 0.5, 0.98])
def test_results_cut_anywhere_are_completed(band, tmp_path, case_cache, share):
    summary = run(band, tmp_path, case_cache)
    rows = {row["key"]: row["values"] for row in read_rows(tmp_path / "rows.jsonl")}
    raw = (tmp_path / "rows.jsonl").read_bytes()
    (tmp_path / "rows.jsonl").write_bytes(raw[: int(share * len(raw))])
    (tmp_path / "summary.json").write_bytes(b'{"schema": 1, "sui')  # that too, and the table is gone
    (tmp_path / "table.csv").unlink()
    assert run(band, tmp_path, case_cache) == summary == read_json(tmp_path / "summary.json")
    again = read_rows(tmp_path / "rows.jsonl")
    assert {row["key"]: row["values"] for row in again} == rows
    assert len(again) == len(rows)
    assert (tmp_path / "table.csv").exists()
