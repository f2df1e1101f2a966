"""Energy that a machine has used, where it tells: Linux' RAPL counters of its processors, NVML's of NVIDIA GPUs.

They count the whole machine, whatever else it does meanwhile. Most systems let only root read the RAPL counters.
"""

from __future__ import annotations

import ctypes
from pathlib import Path

POWERCAP = Path("/sys/class/powercap")


class EnergyMeter:
    """Counts joules from its making on; ``update`` more often than the counters run over, which takes many minutes.

    Where they may be read, processor packages and their memory count, and with ``gpus`` those; ``parts`` names them.
    """

    def __init__(self, gpus: bool = False, powercap: Path = POWERCAP):
        self._zones = _zones(powercap)
        self._gpus = _Gpus() if gpus else None
        self._last = self._read()
        self._joules = 0.0

    @property
    def parts(self) -> list[str]:
        processors = [(zone / "name").read_text().strip() for zone in self._zones]
        return processors + [f"GPU {number}" for number in range(self._gpus.count if self._gpus else 0)]

    def update(self) -> float | None:
        """Joules so far; None where nothing is counted."""
        now = self._read()
        if now is None or self._last is None:
            self._last = None
            return None
        for (before, range_uj), (after, _) in zip(self._last, now, strict=True):
            self._joules += (after - before if after >= before else after - before + range_uj) * 1e-6
        self._last = now
        return self._joules

    def _read(self) -> list[tuple[int, int]] | None:
        """Of each counter its microjoules and where it begins anew."""
        counters = [
            (int((zone / "energy_uj").read_text()), int((zone / "max_energy_range_uj").read_text()))
            for zone in self._zones
        ]
        return counters + [(uj, 2**64) for uj in (self._gpus.read_uj() if self._gpus else [])] or None


def _zones(powercap: Path) -> list[Path]:
    """Packages and their memory, where they may be read; cores are in their package, and a platform holds them all."""
    found = []
    for zone in sorted(powercap.glob("intel-rapl:*")):
        try:
            name = (zone / "name").read_text()
            int((zone / "energy_uj").read_text())
        except (OSError, ValueError):
            continue
        if name.startswith(("package", "dram")):
            found.append(zone)
    return found


class _Gpus:
    """NVIDIA's management library, which comes with the driver."""

    def __init__(self) -> None:
        self._handles: list[ctypes.c_void_p] = []
        try:
            self._nvml = ctypes.CDLL("libnvidia-ml.so.1")
        except OSError:
            return
        count = ctypes.c_uint()
        if self._nvml.nvmlInit_v2() or self._nvml.nvmlDeviceGetCount_v2(ctypes.byref(count)):
            return
        for index in range(count.value):
            handle, millijoules = ctypes.c_void_p(), ctypes.c_ulonglong()
            self._nvml.nvmlDeviceGetHandleByIndex_v2(index, ctypes.byref(handle))
            if not self._nvml.nvmlDeviceGetTotalEnergyConsumption(handle, ctypes.byref(millijoules)):
                self._handles.append(handle)

    @property
    def count(self) -> int:
        return len(self._handles)

    def read_uj(self) -> list[int]:
        """Microjoules of each GPU that counts them, since its driver was loaded."""
        millijoules, found = ctypes.c_ulonglong(), []
        for handle in self._handles:
            self._nvml.nvmlDeviceGetTotalEnergyConsumption(handle, ctypes.byref(millijoules))
            found.append(millijoules.value * 1000)
        return found
