"""The maps by name. Each target is ``generate(seed, **options) -> Map``; its keywords are the options of the map."""

from __future__ import annotations

from worldsim.core.registry import Registry

MAPS = Registry("voxel map")
MAPS.add("arena", "envs.voxel.maps.arena:generate", "small and closed, few objects: the one small models learn")
MAPS.add("terrain", "envs.voxel.maps.terrain:generate", "hills and water, four biomes with their plants")
MAPS.add("maze", "envs.voxel.maps.maze:generate", "coloured rooms with landmarks, joined by corridors")
MAPS.add("gallery", "envs.voxel.maps.gallery:generate", "rooms with canvases, cakes, doors, and switches for lamps")
MAPS.add("scene", "envs.voxel.maps.scene:generate", "one biome, one hour, one coloured thing in view: made for text")
MAPS.add("stage", "envs.voxel.maps.stage:generate", "a set before a fixed camera: screens, passages, falling sand")
