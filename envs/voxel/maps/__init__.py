"""The maps by name. Each target is ``generate(seed, **options) -> Map``; its keywords are the options of the map."""

from __future__ import annotations

from worldsim.core.registry import Registry

MAPS = Registry("voxel map")
MAPS.add("arena", "envs.voxel.maps.arena:generate", "small and closed, few objects: the one small models learn")
