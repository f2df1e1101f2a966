"""worldsim: a video diffusion transformer as a world that can be stepped, and suites that say how far to trust it."""

__version__ = "0.1.0"
