"""What a person reads when an evaluation is done."""

from evals.run import evaluate
from evals.table import format_table, format_times


def test_the_last_lines_are_an_overview_of_the_models(band, tmp_path, case_cache):
    class Second(band.Noisy):
        name = "second"

        def reconstruct(self, frames):
            return frames // 2 * 2

    class Third(Second):
        name = "third"

    models = [(band.Noisy(), "model"), (Second(), "model"), (Third(), "model")]
    summary = evaluate(models, ["control"], [(band.ENV_ID, {})], tmp_path, 6, seeds=2, videos=0, cache=case_cache)
    (part,) = summary["suites"]
    part["valid"] = False
    head, *lines = format_table(summary).split("\n\n")[-1].splitlines()
    assert head.startswith("suite    game           model   score, 0 best null, 1 game")
    assert head.endswith("coverage  suite is")
    assert len(lines) == 3
    cells = {line.split()[2]: line[head.index("score") :] for line in lines}
    for entry in part["simulators"]:
        if entry["role"] == "model":
            metric, score = entry["metrics"]["action_swap_2afc"], entry["score"]
            assert cells[entry["simulator"]].startswith(
                f"{score['mean']:.3f} [{score['low']:.3f}, {score['high']:.3f}]"
            )
            assert f"{metric['mean']:.3f} [{metric['low']:.3f}, {metric['high']:.3f}]" in cells[entry["simulator"]]
            assert f" {part['best_null']} " in cells[entry["simulator"]]
            assert "12/12" in cells[entry["simulator"]]
            assert cells[entry["simulator"]].endswith("INVALID")
    assert lines[0][head.index("ceiling") :].startswith("- ")  # noisy has no autoencoder
    assert lines[1][head.index("ceiling") :].startswith("1.000 ")


def test_without_a_model_there_is_no_overview(band, tmp_path, case_cache):
    summary = evaluate([], ["control"], [(band.ENV_ID, {})], tmp_path, 6, videos=0, cache=case_cache)
    assert "suite is" not in format_table(summary)


def test_times_say_what_the_harness_took():
    spent = {"model_s": 600.0, "control_s": 300.0, "game_s": 90.0, "harness_s": 10.0}
    told = "models 10.0 min (60 %), controls 5.0 min (30 %), real games 90 s (9 %), harness 10 s (1 %)"
    assert format_times(spent) == told
