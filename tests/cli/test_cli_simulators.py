"""Settings of simulators that commands have in common."""

import pytest

from worldsim.cli.simulators import SimulatorSettings, load_simulators
from worldsim.core.errors import WorldsimError


def test_memory_is_what_was_asked_for():
    (simulator,) = load_simulators(["voxel-base"], SimulatorSettings(memory={"frames": 2, "archive": 16}, steps=1))
    about = simulator.describe()
    assert about["memory"] == {"frames": 2, "archive": 16, "by": "camera", "mosaic": 256}
    (plain,) = load_simulators(["voxel-base"], SimulatorSettings())
    assert plain.describe()["memory"] == {"frames": 0, "archive": 512, "by": "", "mosaic": 256}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"memory": {"frame": 2}}, "unknown setting of memory 'frame'"),
        ({"memory": {"frames": -1}}, "frames=-1"),
        ({"guidance": 3.0}, "guidance=3.0 is for networks that read prompts"),
    ],
)
def test_bad_settings_are_named(settings, message):
    with pytest.raises(WorldsimError, match=message):
        load_simulators(["voxel-base"], SimulatorSettings(**settings))
