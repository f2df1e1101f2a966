"""``worldsim check``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from worldsim.cli import names
from worldsim.cli.settings import setting
from worldsim.cli.table import aligned
from worldsim.core.siblings import import_ours

EXAMPLES = (
    "worldsim check env=voxel/arena",
    "worldsim check env=gym:ALE/Breakout-v5",
    "worldsim check env=all rule=[seeds_reproduce,branches_are_exact]",
)
BROKEN = 1


@dataclass(kw_only=True)
class CheckConfig:
    env: list[str] = setting(
        "games, gym:ID of any Gymnasium game, your own FILE.py:CLASS, or all",
        example="voxel/arena",
        names="worldsim.cli.names:environment_ids",
    )
    rule: list[str] = setting("rules to check", default=["all"], names="envs.contract:rule_names")
    env_kwargs: dict[str, Any] = setting("settings of the game", default={}, example="{height:128,width:128}")


def run(config: CheckConfig) -> int:
    """One line for each rule of the contract. Exit code 1 when a rule is broken.

    ``env=all`` leaves out, and names, the games whose packages are not installed.
    """
    contract = import_ours("envs.contract")
    missing = {entry.name: names.missing(entry) for entry in names.games()} if config.env == ["all"] else {}
    env_ids = [name for name, what in missing.items() if not what] if missing else config.env
    only = None if config.rule == ["all"] else config.rule
    broken = 0
    for env_id in env_ids:
        print(env_id, flush=True)
        findings = contract.check_game(env_id, only, **config.env_kwargs)
        rows = [("ok" if one.ok else "BROKEN", one.rule, " ".join(one.message.split())) for one in findings]
        print(aligned(rows))
        broken += sum(not one.ok for one in findings)
    left_out = {name: what for name, what in missing.items() if what}
    if left_out:
        print("not checked:")
        print(aligned(list(left_out.items())))
    print(f"{broken} broken" if broken else f"all rules kept by {len(env_ids)} of {len(env_ids) + len(left_out)} games")
    return BROKEN if broken else 0
