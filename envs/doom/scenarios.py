"""What each Doom scenario is: ViZDoom's configuration or a room of ours, and the few things our environment decides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from envs.doom import rooms
from envs.doom.udmf import GridMap
from worldsim.core.errors import UnknownNameError


@dataclass(frozen=True)
class Scenario:
    """One scenario; the level, skill and raw reward of a bundled one come from ViZDoom's ``<name>.cfg``."""

    name: str
    start_tic: int  # the first frame an episode shows
    timeout_tics: int  # the limit, counted from the start of the level
    reward_scale: float = 1.0  # factor on the scenario's own reward
    health_reward_scale: float = 0.0  # reward for one point of health gained
    shows_health: bool = False  # draw the health bar, because reward and death depend on health
    keys: tuple[str, ...] = ()  # beside walking, strafing and turning: "attack", "use"
    room: Callable[[np.random.Generator], GridMap] | None = None  # draws the level of an episode; None: bundled

    @property
    def is_armed(self) -> bool:
        """Whether the player holds a weapon that is seen."""
        return "attack" in self.keys


SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        # +1 for the vest, -0.0001 a tic: as it is.
        Scenario("my_way_home", 10, 2100),
        # +1 a tic and -100 for death, divided by 100; the change of health makes it dense. Health is a potential,
        # so the added term leaves the order of policies as the scenario has it (Ng, Harada and Russell, 1999).
        Scenario("health_gathering", 1, 2100, reward_scale=0.01, health_reward_scale=0.01, shows_health=True),
        # -1 a tic, -5 a shot, +106 for the monster, divided by 100.
        Scenario("basic", 14, 300, reward_scale=0.01, keys=("attack",)),
        # The way to the vest in map units (1,312), +1,000 for the vest, -100 for death, divided by 1,000.
        Scenario("deadly_corridor", 1, 2100, reward_scale=0.001, shows_health=True, keys=("attack",)),
        # +1 a kill, -1 for death: as it is.
        Scenario("defend_the_center", 10, 2100, shows_health=True, keys=("attack",)),
        # +1 a tic alive, divided by 100; the scenario has no limit of its own.
        Scenario("take_cover", 1, 2100, reward_scale=0.01, shows_health=True),
        # One rocket, +1 for the hit, -0.001 a tic: as it is.
        Scenario("predict_position", 16, 300, keys=("attack",)),
        # Ours: rewards are rooms.ITEM_REWARD and rooms.GOAL_REWARD.
        Scenario("pillars", 14, 1400, room=rooms.pillars),
        Scenario("corridor", 14, 2100, keys=("use",), room=rooms.corridor),
        Scenario("rooms", 14, 2100, shows_health=True, keys=("attack", "use"), room=rooms.rooms),
    )
}


def find_scenario(name: str) -> Scenario:
    """The scenario called ``name``; UnknownNameError otherwise."""
    if name not in SCENARIOS:
        raise UnknownNameError("Doom scenario", name, SCENARIOS)
    return SCENARIOS[name]
