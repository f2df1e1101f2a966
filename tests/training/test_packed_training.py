"""Training on joint clips of several sizes and durations in one sequence, and going on with such a run."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from safetensors.torch import load_file

from worldsim.core.errors import WorldsimError
from worldsim.core.records import read_json, write_json
from worldsim.data.collect import collect
from worldsim.training.loop import Trainer
from worldsim.training.simulator import train_simulator
from worldsim.training.simulator_config import SimulatorTrainConfig

CONFIG = SimulatorTrainConfig(
    steps=20, batch=2, save_every=10, warmup=5, threads=1, frames=3, dim=32, depth=1, heads=2, window=3,
    joint_batch=4, joint_frames=6, joint_least_frames=2, joint_groups=3, drop_repeated=0.05,
)  # fmt: skip


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    out = tmp_path_factory.mktemp("sizes")
    sizes = {"wide": {"height": 16, "width": 32}, "tall": {"height": 32, "width": 16}}
    for name, size in sizes.items():
        collect("voxel/arena", "envs.policies.explorer:make_explorer", 2, out / name, max_steps=12, workers=1,
                env_kwargs=size, progress=lambda line: None)  # fmt: skip
    return [out / name for name in sizes]


def train(tables, out, **changes):
    return train_simulator(dataclasses.replace(CONFIG, **changes), tables, "pixels", out, progress=lambda line: None)


def test_a_run_on_packs_goes_on_to_the_same_bits(tables, tmp_path, monkeypatch):
    whole = train(tables, tmp_path / "whole")
    one_step, calls = Trainer.one_step, []

    def breaks(self):
        calls.append(self.step)
        if len(calls) == 14:
            raise KeyboardInterrupt
        return one_step(self)

    monkeypatch.setattr(Trainer, "one_step", breaks)
    with pytest.raises(KeyboardInterrupt):
        train(tables, tmp_path / "cut")
    assert train(tables, tmp_path / "cut")
    assert calls[14] == 10
    a, b = (load_file(tmp_path / name / "dit.safetensors") for name in ("whole", "cut"))
    assert all(torch.equal(a[name], b[name]) for name in a)
    assert read_json(whole / "config.json")["sizes"] == [[16, 32], [32, 16]]


def test_a_run_from_before_a_setting_was_there_goes_on(tables, tmp_path):
    out = train(tables, tmp_path / "run", steps=10, joint_groups=1, joint_least_frames=0)
    record = read_json(out / "record.json")
    assert record["config"]["settings"].pop("joint_groups") == 1
    assert record["config"]["settings"].pop("joint_least_frames") == 0
    write_json(out / "record.json", record)
    with pytest.raises(WorldsimError, match="other settings"):
        train(tables, out, joint_groups=2, joint_least_frames=0)
    train(tables, out, joint_groups=1, joint_least_frames=0)
    assert read_json(out / "record.json")["completed"] == 20


@pytest.mark.parametrize("change", [{"joint_groups": 0}, {"joint_least_frames": 7}, {"joint_least_frames": 1}])
def test_bad_durations_and_groups_are_named(change):
    with pytest.raises(WorldsimError, match=f"{next(iter(change))}={next(iter(change.values()))}"):
        dataclasses.replace(CONFIG, **change)


def test_images_need_captions_of_the_captioner_that_is_named(tables, tmp_path):
    with pytest.raises(WorldsimError, match=r"image_captioner='scene' has captioned none.*captions of nobody"):
        train(tables, tmp_path / "run", image_captioner="scene")
