"""Small mechanical scenes simulated by MuJoCo and drawn by our own ray-caster, so that no OpenGL is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeGuard

if TYPE_CHECKING:
    from envs.physics.env import PhysicsEnv


def is_physics(env: Any) -> TypeGuard[PhysicsEnv]:
    """Whether an unwrapped game is one of these scenes; MuJoCo need not be installed to ask."""
    return type(env).__module__.startswith("envs.physics.")
