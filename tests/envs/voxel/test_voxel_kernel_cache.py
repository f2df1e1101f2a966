"""A kernel that calls one in another file is compiled anew when that file changes."""

import os
import subprocess
import sys

CALLEE = "from numba import njit\n@njit(cache=True)\ndef number():\n    return {}\n"
CALLER = "from numba import njit\nfrom callee import number\n@njit(cache=True)\ndef twice():\n    return 2 * number()\n"
RUN = """
import sys
from pathlib import Path
from envs.voxel.kernel_cache import drop_stale_kernels
folder = Path(sys.argv[1])
sys.path.insert(0, str(folder))
if sys.argv[2] == "drop":
    drop_stale_kernels(folder)
import caller
print(caller.twice())
"""


def test_a_change_in_another_file_is_noticed(tmp_path):
    def run(way):
        done = subprocess.run(
            [sys.executable, "-c", RUN, str(tmp_path), way], capture_output=True, text=True, check=True
        )
        return int(done.stdout)

    (tmp_path / "callee.py").write_text(CALLEE.format(3))
    (tmp_path / "caller.py").write_text(CALLER)
    assert run("drop") == 6
    (tmp_path / "callee.py").write_text(CALLEE.format(50))  # another size: Python itself must see the change
    later = max(file.stat().st_mtime for file in tmp_path.glob("**/*")) + 2
    os.utime(tmp_path / "callee.py", (later, later))
    assert run("keep") == 6  # what numba does by itself
    assert run("drop") == 100
