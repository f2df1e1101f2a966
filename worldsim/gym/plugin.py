"""Gymnasium's plugin hook: ``gymnasium.make`` knows our ids without an import of worldsim. Imports no torch, no game."""

from __future__ import annotations


def register() -> None:
    """Register the dream and every game; called by ``import gymnasium`` through the ``gymnasium.envs`` entry point."""
    import gymnasium

    from worldsim.core.siblings import import_ours

    if "worldsim/Dream-v0" not in gymnasium.registry:
        gymnasium.register(id="worldsim/Dream-v0", entry_point="worldsim.gym.dream:DreamEnv")
    import_ours("envs.registration").register()
