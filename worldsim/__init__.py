"""worldsim: a video diffusion transformer as a world that can be stepped, and suites that say how far to trust it."""

from worldsim.gym.plugin import install as _register_with_gymnasium

__version__ = "0.1.0"

_register_with_gymnasium()
