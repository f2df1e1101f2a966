"""``worldsim validate``: cards and their page, and what it refuses."""

import json


def test_a_suite_gets_its_card_and_page(shell):
    shell.env["WORLDSIM_CACHE"] = str(shell.folder / "cache")
    small = "overrides={control:{horizon:4,context_frames:4,prefix_steps:[8,16]}}"
    done = shell("validate", "suite=control", "env=voxel/arena", "limit=2", "out=runs/cards", small)
    assert done.returncode == 0, done.stderr
    assert "control (version 2) in voxel/arena: not judged" in done.stdout
    assert "2 scored scenarios are too few, at least 12 are needed" in done.stdout
    card = json.loads((shell.folder / "runs/cards/cards/control-voxel-arena.json").read_text())
    assert card["scenarios"] == 2 and card["valid"] is None
    assert {one["control"] for one in card["controls"]} == {"oracle", "last_frame", "wrong_action"}
    assert "swapped" in (shell.folder / "runs/cards/validity.html").read_text()


def test_what_cannot_be_validated_is_refused(shell):
    assert "Did you mean 'control'" in shell.refuses("validate", "suite=contrl")
    assert "limit=0: at least 1 scenario" in shell.refuses("validate", "suite=control", "limit=0")
    assert "Did you mean" in shell.refuses("validate", "suite=control", "env=voxel/arenas")
    assert "unknown checkpoint 'nosuch'" in shell.refuses("validate", "suite=control", "simulator=nosuch")
    assert "physics cannot be asked in voxel/arena" in shell.refuses(
        "validate", "suite=physics", "env=voxel/arena", "limit=1"
    )
    assert not (shell.folder / "runs/validate/cards").exists()
