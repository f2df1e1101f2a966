"""Videos and pictures from plans: text, stills, extensions, loops, connections, edits and long videos."""

from worldsim.generate.plan import VideoGenerator, VideoPlan
from worldsim.generate.tasks import TASKS

__all__ = ["TASKS", "VideoGenerator", "VideoPlan"]
