"""The contract of every game, as a checker: ``check_game("voxel/arena")`` says which rules hold and what is wrong."""

from envs.contract.checker import check_game, rule_names
from envs.contract.finding import Finding

__all__ = ["Finding", "check_game", "rule_names"]
