"""The command line as a process: what it imports, how it refuses, what it leaves behind."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from worldsim.cli.commands import COMMANDS

HEAVY = ("torch", "hydra", "omegaconf", "gymnasium", "numba", "numpy")


def loaded_modules(shell, *words: str) -> set[str]:
    """The heavy modules in a process that has run one command."""
    code = (
        "import sys; from worldsim.cli.main import main; code = main(sys.argv[1:]); "
        f"print(*[m for m in {HEAVY} if m in sys.modules], sep=',', file=sys.stderr); sys.exit(code)"
    )
    done = shell.python("-c", code, *words)
    assert done.returncode == 0, done.stderr
    return set(done.stderr.strip().splitlines()[-1].split(",")) - {""} if done.stderr.strip() else set()


@pytest.mark.parametrize("words", [["--help"], ["eval", "--help"], ["demo", "--help"], ["--version"]])
def test_help_imports_nothing_heavy(shell, words):
    assert loaded_modules(shell, *words) == set()


@pytest.mark.parametrize("what", ["envs", "suites", "simulators", "metrics", "policies", "checkpoints"])
def test_lists_import_no_torch_and_no_game(shell, what):
    assert not loaded_modules(shell, "ls", what) & {"torch", "gymnasium", "numba"}


def test_overview_has_one_line_for_each_command(shell):
    out = shell("--help").stdout
    for name, summary in COMMANDS.items():
        assert re.search(rf"^  {name} +{re.escape(summary)}$", out, re.MULTILINE)
    assert shell().stdout == out


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command_explains_every_setting(shell, command):
    from worldsim.cli.commands import module_of, schema_of
    from worldsim.cli.settings import settings_of

    done = shell(command, "--help")
    assert done.returncode == 0, done.stderr
    for key, one in settings_of(schema_of(module_of(command))).items():
        assert re.search(rf"^  {re.escape(key)}  ", done.stdout, re.MULTILINE), key
        assert one.help, f"{command} {key} has no help"
    assert "examples\n  worldsim " + command in done.stdout


def test_lists_for_machines(shell):
    rows = json.loads(shell("ls", "envs", "--json").stdout)
    assert {row["id"] for row in rows} >= {"voxel/arena", "doom/my_way_home", "doom/health_gathering"}
    assert shell("ls", "envs").stdout.splitlines()[0].split()[:4] == ["id", "depth", "ids", "camera"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["colect"], "unknown command 'colect'. Did you mean 'collect'"),
        (["eval", "suit=control"], "unknown setting 'suit' of eval. Did you mean 'suite'?"),
        (["eval", "suite=control"], "eval needs 'simulator', for example: worldsim eval simulator=voxel-base"),
        (["eval", "simulator=voxel-base", "suite=contol"], "unknown suite 'contol'. Did you mean 'control'?"),
        (["eval", "simulator=voxel-base", "limit=few"], "'limit' has to be an integer"),
        (["collect", "env=voxel/arena"], "collect needs 'episodes' and 'out', for example: worldsim collect env="),
        (["collect", "env=voxel/arena", "episodes=1", "out=x", "policy=explore"], "Did you mean 'explorer'?"),
        (["collect", "env=voxel/arenas", "episodes=1", "out=x", "policy=random"], "voxel/arenas"),
        (["eval", "simulator=voxel-bas"], "unknown checkpoint 'voxel-bas'"),
        (["rollout", "simulator=runs/nowhere"], "there is no checkpoint folder 'runs/nowhere'"),
        (["rollout", "simulator=."], ". is not a checkpoint: it has no config.json"),
        (["train", "recipe=simulater", "data=x", "out=y"], "Did you mean 'simulator'?"),
        (["report", "runs=nowhere"], "nowhere is not a folder"),
        (["ls", "env"], "Did you mean 'envs'?"),
        (["ls"], "ls needs 'what', for example: worldsim ls envs"),
        (["check", "env=voxel/aren"], "arena"),
        (["--completion", "tcsh"], "unknown shell 'tcsh'"),
    ],
)
def test_what_a_person_gets_wrong_is_said_in_one_paragraph(shell, words, message):
    assert message in shell.refuses(*words)
    assert list(shell.folder.iterdir()) == []  # no outputs/, no logs, no half-made table


def test_paths_with_signs_of_the_grammar_and_a_folder_called_envs(shell):
    for name in ("envs", "evals", "reports"):
        (shell.folder / name).mkdir()
        (shell.folder / name / "__init__.py").write_text("raise RuntimeError('a stranger was imported')\n")
    out = "my data/a=b, c.lance"
    done = shell("collect", "env=voxel/arena", "policy=random", "episodes=2", "max_steps=3", "workers=1", f"out={out}")
    assert done.returncode == 0, done.stderr
    assert done.stdout == out + "\n"
    assert (shell.folder / out / "record.json").exists()


def cut_in_half(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def test_damaged_weights_and_a_damaged_dataset_are_named(shell):
    words = ["env=voxel/arena", "policy=random", "episodes=2", "max_steps=8", "workers=1"]
    assert shell("collect", *words, "out=a.lance").returncode == 0
    small = ["steps=1", "save_every=10", "batch=2", "model.widths=[8,8,8]", "model.blocks=1"]
    done = shell("train", "recipe=vae", "data=a.lance", "out=vae", *small)
    assert done.returncode == 0, done.stderr

    weights = shell.folder / "vae" / "vae.safetensors"
    cut_in_half(weights)
    said = shell.refuses("train", "recipe=simulator", "data=a.lance", "vae=vae", "out=run", "steps=1")
    assert "vae.safetensors" in said
    folder = shell.folder / "checkpoint"
    folder.mkdir()
    (folder / "config.json").write_text('{"format": 1}')
    for name in ("vae.safetensors", "dit.safetensors"):
        (folder / name).write_bytes(weights.read_bytes())
    assert "checkpoint/vae.safetensors" in shell.refuses("rollout", "simulator=checkpoint", "episodes=1")

    table = shell.folder / "a.lance"
    cut_in_half(max((table / "data").iterdir(), key=lambda file: file.stat().st_size))
    assert "a.lance" in shell.refuses("train", "recipe=vae", "data=a.lance", "out=other", "steps=1")


def test_a_run_of_controls_becomes_a_report(shell):
    shell.env["WORLDSIM_CACHE"] = str(shell.folder / "cache")
    words = ["eval", "simulator=oracle", "controls=last_frame", "game=voxel/arena", "suite=control", "limit=2"]
    done = shell(
        *words, "out=runs/a=b", "videos=1", "overrides={control:{horizon:4,context_frames:4,prefix_steps:[8,16]}}"
    )
    assert done.returncode == 0, done.stderr
    assert re.search(r"^ +oracle +oracle +1\.000", done.stdout, re.MULTILINE)
    record = json.loads((shell.folder / "runs/a=b/record.json").read_text())
    assert record["config"]["limit"] == 2
    assert "limit=2" in record["config_as_typed"]
    done = shell("report", "runs=runs/a=b", "out=my report.html")
    assert done.returncode == 0, done.stderr
    assert "last_frame" in (shell.folder / "my report.html").read_text()


def test_an_unexpected_error_leaves_its_traceback_in_a_file(shell):
    code = (
        "import sys; from worldsim.cli.commands import ls; from worldsim.cli.main import main\n"
        "ls.LISTS['envs'] = lambda: {}['gone']\n"
        "sys.exit(main(sys.argv[1:]))"
    )
    done = shell.python("-c", code, "ls", "envs")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    log = re.search(r"The traceback is in (\S+\.log)", done.stderr)
    assert log
    assert "KeyError: 'gone'" in Path(log[1]).read_text()
    assert "Traceback" in shell.python("-c", code, "ls", "envs", "--debug").stderr


def test_a_value_error_from_a_library_is_not_blamed_on_the_user(shell):
    code = (
        "import sys, json; from worldsim.cli.commands import ls; from worldsim.cli.main import main\n"
        "ls.LISTS['envs'] = lambda: json.loads('{')\n"
        "sys.exit(main(['ls', 'envs']))"
    )
    assert shell.python("-c", code).returncode == 1


def test_a_reader_that_goes_away_is_not_an_error(shell):
    done = shell.run(
        ["bash", "-c", f"set -o pipefail; {sys.executable} -m worldsim.cli ls metrics --json | head -c 1; echo $?"]
    )
    assert done.stderr == ""


def test_ctrl_c_ends_with_130_and_one_line(shell):
    words = ["collect", "env=voxel/arena", "policy=random", "episodes=100000", "workers=1", "out=long.lance"]
    process = subprocess.Popen(
        [sys.executable, "-m", "worldsim.cli", *words],
        cwd=shell.folder,
        env=shell.env,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # ignored where tests run in the background
    )
    assert process.stderr is not None
    process.stderr.readline()  # the first line of progress: it plays
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    _, rest = process.communicate(timeout=20)
    assert process.returncode == 130
    assert rest.splitlines()[-1] == "worldsim: stopped by Ctrl-C."
    assert "Traceback" not in rest
