"""Energy from a folder that looks like Linux' /sys/class/powercap."""

from pathlib import Path

import pytest

from worldsim.core.energy import EnergyMeter


def zone(folder: Path, number: str, name: str, energy_uj: str, range_uj: int = 10_000_000) -> Path:
    made = folder / f"intel-rapl:{number}"
    made.mkdir(parents=True)
    (made / "name").write_text(name + "\n")
    (made / "energy_uj").write_text(energy_uj + "\n")
    (made / "max_energy_range_uj").write_text(f"{range_uj}\n")
    return made


def test_packages_and_their_memory_are_counted_once(tmp_path):
    package = zone(tmp_path, "0", "package-0", "1000000")
    core = zone(tmp_path, "0:0", "core", "0")
    memory = zone(tmp_path, "0:1", "dram", "0")
    platform = zone(tmp_path, "1", "psys", "0")
    meter = EnergyMeter(powercap=tmp_path)
    for part, energy_uj in ((package, 3_500_000), (core, 2_000_000), (memory, 500_000), (platform, 9_000_000)):
        (part / "energy_uj").write_text(str(energy_uj))
    assert meter.update() == pytest.approx(2.5 + 0.5)
    assert meter.parts == ["package-0", "dram"]


def test_a_counter_that_begins_anew_goes_on(tmp_path):
    package = zone(tmp_path, "0", "package-0", "9000000")
    meter = EnergyMeter(powercap=tmp_path)
    for energy_uj in (500_000, 1_500_000):  # past the range of 10 J, then on
        (package / "energy_uj").write_text(str(energy_uj))
        joules = meter.update()
    assert joules == pytest.approx(1.5 + 1.0)


def test_where_the_machine_does_not_tell_nothing_is_said(tmp_path):
    assert EnergyMeter(powercap=tmp_path / "none").update() is None
    zone(tmp_path, "0", "package-0", "not for you")
    assert EnergyMeter(powercap=tmp_path).update() is None
