"""The explorer for a game: the one written for its family, or one that gives every action its turn."""

from __future__ import annotations

from typing import Any

from worldsim.core.protocols import Policy
from worldsim.core.siblings import import_ours

FAMILIES = {
    "envs.voxel": "envs.policies.voxel_roamer:make_voxel_explorer",
    "envs.doom": "envs.policies.doom_explorer:DoomExplorer",
    "envs.physics": "envs.policies.physics_pusher:PhysicsPusher",
}
OTHERWISE = "envs.policies.random:CoveringPolicy"


def make_explorer(env: Any) -> Policy:
    """The policy that covers the map of ``env`` (unwrapped) and uses every action."""
    family = ".".join(type(env).__module__.split(".")[:2])
    module, _, attribute = FAMILIES.get(family, OTHERWISE).partition(":")
    policy: Policy = getattr(import_ours(module), attribute)(env)
    return policy
