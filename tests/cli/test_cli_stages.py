"""Work in stages: each done once and in order, whatever interrupts it."""

import pytest

from worldsim.cli.stages import Stage, Stages
from worldsim.core.errors import WorldsimError
from worldsim.core.records import RunRecord


class Interrupted(Exception):
    pass


def stages(out, log, settings=None, fails="", limit=1, names=("a/vae", "a/train", "a/eval")):
    def work(name):
        def run(say):
            if name == fails:
                raise Interrupted
            log.append(name)
            return "nothing to ask" if name == "a/eval" else ""

        return run

    kinds = {"a/vae": "training", "a/train": "training", "a/eval": "evaluation"}
    inputs = {"a/eval": {"limit": limit}}
    planned = [Stage(name, kinds[name], 1e9, work(name), inputs.get(name, {})) for name in names]
    return Stages("ladder", out, {"compute": 1e14, "limit": limit, **(settings or {})}, ("limit",), planned)


def test_stages_are_done_once_and_in_order(tmp_path):
    log = []
    with pytest.raises(Interrupted):
        stages(tmp_path, log, fails="a/train").run()
    assert log == ["a/vae"]
    stages(tmp_path, log).run()
    stages(tmp_path, log).run()
    assert log == ["a/vae", "a/train", "a/eval"]
    record = RunRecord.read(tmp_path)
    assert record.completed == record.planned == 3
    assert record.finished_utc
    assert record.model["stages"]["a/eval"]["note"] == "nothing to ask"


def test_a_stage_whose_inputs_changed_is_done_again_and_the_others_are_not(tmp_path):
    log = []
    stages(tmp_path, log).run()
    stages(tmp_path, log, limit=2).run()
    assert log == ["a/vae", "a/train", "a/eval", "a/eval"]


def test_other_settings_are_refused_by_name(tmp_path):
    stages(tmp_path, []).run()
    with pytest.raises(WorldsimError, match=r"holds a ladder with other compute; choose another out="):
        stages(tmp_path, [], settings={"compute": 2e14})


def test_the_time_left_is_that_of_stages_of_the_same_kind(tmp_path):
    work = stages(tmp_path, [], names=("a/vae", "a/train"))
    before = work.left_s()
    work.run()
    assert before > 0
    assert work.left_s() == 0
    record = RunRecord.read(tmp_path)
    record.model["stages"]["a/vae"]["seconds"] = 60.0
    del record.model["stages"]["a/train"]["finished_utc"]
    del record.model["stages"]["a/train"]["seconds"]
    record.write(tmp_path)
    assert stages(tmp_path, [], names=("a/vae", "a/train")).left_s() == pytest.approx(60.0)
