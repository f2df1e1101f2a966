from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from worldsim.core.errors import MissingDependencyError, UnknownNameError, WorldsimError
from worldsim.data import ray_pool
from worldsim.data.collect import collect


def test_ray_records_the_same_bits_as_local_processes(tmp_path):
    """One start of Ray, which takes seconds, for all that needs one."""
    ray = pytest.importorskip("ray")
    ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False, logging_level="error")
    tables, policy = [], "envs.policies.random:StickyRandomPolicy"
    try:
        for executor in ("ray", "local"):
            out = tmp_path / f"{executor}.lance"
            settings = {"max_steps": 15, "workers": 1, "truth": True, "progress": str, "executor": executor}
            tables.append(collect("voxel/arena", policy, 3, out, **settings))
        impossible = replace(tables[0].info, env_kwargs={"height": 0})
        pool = ray_pool.RayPool(1, None, tmp_path, impossible, [0])
        with pytest.raises(WorldsimError, match=r"voxel/arena draws 16x16 .*got height=0"):
            pool.wait(60)
        assert ray.is_initialized()  # ours to end, because we began it
    finally:
        ray.shutdown()
    ours, theirs = tables
    assert ours.info == theirs.info
    assert (np.concatenate(list(ours.scan_frames())) == np.concatenate(list(theirs.scan_frames()))).all()
    for a, b in zip(ours.read_steps(), theirs.read_steps(), strict=True):
        assert a.tobytes() == b.tobytes()
    rows = np.arange(10)
    assert [one.objects for one in ours.read_truth(rows)] == [one.objects for one in theirs.read_truth(rows)]


def test_an_unknown_executor_is_named(tmp_path):
    with pytest.raises(UnknownNameError, match=r"unknown executor 'rai'. Did you mean 'ray'"):
        collect("voxel/arena", "envs.policies.random:RandomPolicy", 1, tmp_path / "x.lance", executor="rai")


def test_without_ray_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'worldsim\[ray\]'"):
        ray_pool._ray()
