"""What each Doom scenario is: ViZDoom's own configuration file plus the few things our environment decides."""

from __future__ import annotations

from dataclasses import dataclass

from worldsim.core.errors import UnknownNameError


@dataclass(frozen=True)
class Scenario:
    """One bundled ViZDoom scenario; its level, skill and raw reward come from ViZDoom's ``<name>.cfg``."""

    name: str
    start_tic: int  # the first frame an episode shows
    timeout_tics: int  # the scenario's own limit, counted from the start of the level
    reward_scale: float  # factor on the scenario's own reward
    health_reward_scale: float  # reward for one point of health gained
    shows_health: bool  # draw the health bar, because reward and death depend on health


SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        # +1 for the vest, -0.0001 a tic: as it is.
        Scenario("my_way_home", 10, 2100, reward_scale=1.0, health_reward_scale=0.0, shows_health=False),
        # +1 a tic and -100 for death, divided by 100; the change of health makes it dense. Health is a potential,
        # so the added term leaves the order of policies as the scenario has it (Ng, Harada and Russell, 1999).
        Scenario("health_gathering", 1, 2100, reward_scale=0.01, health_reward_scale=0.01, shows_health=True),
    )
}


def find_scenario(name: str) -> Scenario:
    """The scenario called ``name``; UnknownNameError otherwise."""
    if name not in SCENARIOS:
        raise UnknownNameError("Doom scenario", name, SCENARIOS)
    return SCENARIOS[name]
