"""Policies for collecting data and for evaluation, by name."""

from __future__ import annotations

from worldsim.core.registry import Registry

POLICIES = Registry("policy")
# Each target is a class called with the (unwrapped) game: ``Policy(env)``.
POLICIES.add("random", "envs.policies.random:RandomPolicy", "an independent random action each step")
POLICIES.add("sticky", "envs.policies.random:StickyRandomPolicy", "random actions held for a random number of steps")
POLICIES.add(
    "explorer", "envs.policies.explorer:make_explorer", "covers the map and uses every action; one for each game family"
)
