"""A stand-in for gym 0.19: as much of it as MineRL and its users touch."""

from gym import error

_REGISTRY = {}


def register(id, entry_point, max_episode_steps=None):
    _REGISTRY[id] = (entry_point, max_episode_steps)


def make(id):
    if id not in _REGISTRY:
        raise error.UnregisteredEnv(f"No registered env with id: {id}")
    entry_point, max_episode_steps = _REGISTRY[id]
    return entry_point(max_episode_steps)
