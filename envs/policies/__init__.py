"""Policies for collecting data and for evaluation, by name."""

from __future__ import annotations

from worldsim.core.registry import Registry

POLICIES = Registry("policy")
# Each target is a class called with the (unwrapped) game, ``Policy(env)``. An entry with ``number`` or ``file`` is also
# given the argument that the name carries: "look_away@64" is ``LookAway(env, 64.0)``.
POLICIES.add("random", "envs.policies.random:RandomPolicy", "an independent random action each step")
POLICIES.add("sticky", "envs.policies.random:StickyRandomPolicy", "random actions held for a random number of steps")
POLICIES.add("covering", "envs.policies.random:CoveringPolicy", "held random actions, each of which has its turn")
POLICIES.add(
    "explorer", "envs.policies.explorer:make_explorer", "covers the map and uses every action; one for each game family"
)
POLICIES.add(
    "commander",
    "envs.policies.commander:Commander",
    "one clean command after the other: turn left, walk forward, look up",
)
POLICIES.add(
    "voxel_expert",
    "envs.policies.voxel_experts:VoxelExpert",
    "plays the tasks of the voxel games",
    number="skill from 0 to 1, 1 unless given",
)
POLICIES.add(
    "doom_expert",
    "envs.policies.doom_experts:DoomExpert",
    "plays the tasks of the Doom games",
    number="skill from 0 to 1, 1 unless given",
)
POLICIES.add(
    "look_away",
    "envs.policies.camera_paths:LookAway",
    "turns half around, looks there, turns back",
    number="steps looked away, 32 unless given",
)
POLICIES.add(
    "glancer",
    "envs.policies.glancer:Glancer",
    "explores, and now and then looks away and back",
    number="most steps looked away, 24 unless given",
)
POLICIES.add(
    "voxel_builder",
    "envs.policies.voxel_builder:VoxelBuilder",
    "places and breaks blocks, and looks away and back",
    number="most steps looked away, 24 unless given",
)
POLICIES.add(
    "strafe",
    "envs.policies.camera_paths:Strafe",
    "walks sideways and back",
    number="steps each way, 32 unless given",
)
POLICIES.add(
    "orbit",
    "envs.policies.camera_paths:Orbit",
    "walks around what is in front, facing it, and back",
    number="degrees each way, 90 unless given",
)
POLICIES.add(
    "loop",
    "envs.policies.camera_paths:Loop",
    "walks a square back to where it began",
    number="steps a side, 12 unless given",
)
POLICIES.add(
    "sb3",
    "envs.policies.sb3:Sb3Policy",
    "an agent of Stable-Baselines3: PPO, A2C or DQN",
    file="a model saved by Stable-Baselines3, a .zip",
)
