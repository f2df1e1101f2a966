"""How surfaces touch: friction and bounce, in MuJoCo's terms."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

BOUNCE_S = 0.025  # how long an undamped bounce touches: ten simulation steps of the bouncy scenes
_STIFFNESS = (math.pi / BOUNCE_S) ** 2  # 1/s^2, of the contact between a body and something heavy
IMPACT_PER_SPEED = math.sqrt(_STIFFNESS)  # 1/s: the greatest deceleration in a bounce, per speed of impact


@dataclass(frozen=True)
class Surface:
    """What a body's touch is like; ``friction`` None is no friction at all, ``restitution`` None is no bounce."""

    friction: float | None = 0.6
    rolling_m: float = 0.0  # rolling resistance
    restitution: float | None = None

    def settings(self) -> dict[str, object]:
        """The attributes of a MuJoCo geom. A geom with bounce or without friction decides for both that touch."""
        found: dict[str, object] = {"friction": [self.friction or 0.0, 0.005, self.rolling_m]}
        found["condim"] = 1 if self.friction is None else 6 if self.rolling_m else 3
        if self.restitution is not None:
            damping = 2 * _damping_ratio(self.restitution) * math.sqrt(_STIFFNESS)
            # Negative numbers are stiffness and damping as they are; the constant impedance keeps them linear.
            found["solref"] = [-_STIFFNESS, -damping]
            found["solimp"] = [0.99, 0.99, 0.001, 0.5, 2]
        if self.restitution is not None or self.friction is None:
            found["priority"] = 1
        return found


@cache
def _damping_ratio(restitution: float) -> float:
    """The damping ratio of a linear spring and dashpot that pushes but never pulls, for a coefficient of restitution.

    Schwager & Poeschel, "Coefficient of restitution and linear-dashpot model revisited" (2007), turned around.
    """
    assert 0.05 <= restitution <= 1
    low, high = 0.0, 0.999
    for _ in range(60):
        ratio = (low + high) / 2
        swing = math.sqrt(1 - ratio**2)
        end = math.pi - math.atan2(2 * ratio * swing, swing**2 - ratio**2)
        if math.exp(-ratio / swing * end) > restitution:
            low = ratio
        else:
            high = ratio
    return low
