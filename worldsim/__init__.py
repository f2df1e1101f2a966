"""worldsim: a video diffusion transformer as a world that can be stepped, and suites that say how far to trust it."""

from worldsim.gym import plugin as _plugin

__version__ = "0.1.0"

_plugin.install()
