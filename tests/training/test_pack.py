"""Checkpoints that ship: small, complete, with a card that says what they are."""

import dataclasses
import shutil

import pytest
import torch
from safetensors.torch import load_file
from small_runs import SIMULATOR_CONFIG, VAE_CONFIG

from worldsim.core.errors import WorldsimError
from worldsim.core.records import read_json
from worldsim.models.autoencoders import load_autoencoder, save_autoencoder
from worldsim.simulators import load
from worldsim.training.pack import pack
from worldsim.training.simulator import train_simulator
from worldsim.training.vae import train_vae


@pytest.fixture(scope="module")
def second_stage(recording, vae_run, simulator_run, tmp_path_factory):
    config = dataclasses.replace(SIMULATOR_CONFIG, steps=10, init=str(simulator_run), own_context_share=0.5, seed=1)
    out = tmp_path_factory.mktemp("runs") / "stage2"
    return train_simulator(config, [recording], vae_run, out, progress=lambda line: None)


def test_a_later_stage_starts_from_the_earlier_one(simulator_run, second_stage):
    first, second = (read_json(run / "config.json")["train_flops"] for run in (simulator_run, second_stage))
    assert second > first  # the earlier stage's arithmetic is counted in
    losses = [read_json(run / "record.json")["model"]["train_flops"] for run in (simulator_run, second_stage)]
    assert second == pytest.approx(sum(losses))


def test_a_packed_checkpoint_is_small_and_loads(vae_run, simulator_run, second_stage, tmp_path):
    folder = pack(vae_run, [simulator_run, second_stage], tmp_path / "tiny", steps=3)
    simulator = load(folder)
    assert simulator.describe()["steps"] == 3
    card = (folder / "card.md").read_text()
    for expected in ("# tiny", "voxel/arena", "3 episodes", "stage 2: 10 steps", "3 denoising step(s)"):
        assert expected in card
    assert list(read_json(folder / "training.json")) == ["vae", "simulator, stage 1", "simulator, stage 2"]
    assert (folder / "dit.safetensors").stat().st_size < 0.5 * (second_stage / "dit.safetensors").stat().st_size


def test_a_decoder_trained_further_keeps_the_latents(recording, vae_run, simulator_run, tmp_path):
    config = dataclasses.replace(VAE_CONFIG, steps=10, keep_encoder_of=str(vae_run), seed=1)
    further = train_vae(config, [recording], tmp_path / "further", progress=lambda line: None)
    before, after = (load_autoencoder(run).state_dict() for run in (vae_run, further))
    changed = {name.partition(".")[0] for name in before if not torch.equal(before[name], after[name])}
    assert changed == {"decoder"}
    folder = pack(further, [simulator_run], tmp_path / "packed")
    assert list(read_json(folder / "training.json")) == ["vae", "vae, decoder", "simulator"]


def test_heads_trained_on_what_was_packed_in_8_bits_know_its_latents(vae_run, simulator_run, tmp_path):
    packed = shutil.copytree(simulator_run, tmp_path / "packed in 8 bits")
    save_autoencoder(packed / "vae.safetensors", load_autoencoder(vae_run), "int8")
    assert (packed / "vae.safetensors").read_bytes() != (simulator_run / "vae.safetensors").read_bytes()
    folder = pack(vae_run, [packed], tmp_path / "packed")
    assert (folder / "dit.safetensors").exists()
    nearly = load_autoencoder(vae_run)
    next(nearly.encoder.parameters()).data.mul_(1.001)
    save_autoencoder(packed / "vae.safetensors", nearly)
    with pytest.raises(WorldsimError, match="latents of another autoencoder"):
        pack(vae_run, [packed], tmp_path / "again")


def test_another_autoencoder_than_the_one_trained_with_is_refused(recording, simulator_run, tmp_path):
    other = train_vae(
        dataclasses.replace(VAE_CONFIG, steps=10, seed=5), [recording], tmp_path, progress=lambda line: None
    )
    with pytest.raises(WorldsimError, match="latents of another autoencoder"):
        pack(other, [simulator_run], tmp_path / "packed")


def test_training_goes_on_from_a_packed_checkpoint(recording, vae_run, simulator_run, tmp_path):
    first = pack(vae_run, [simulator_run], tmp_path / "first", storage="int8")
    config = dataclasses.replace(SIMULATOR_CONFIG, steps=10, init=str(first), seed=3)
    further = train_simulator(config, [recording], first, tmp_path / "further", progress=lambda line: None)
    second = pack(first, [first, further], tmp_path / "second")
    assert list(read_json(second / "training.json")) == ["vae", "simulator, stage 1", "simulator, stage 2"]
    assert read_json(second / "config.json")["data"] == read_json(first / "config.json")["data"]
    assert read_json(second / "config.json")["train_flops"] > read_json(first / "config.json")["train_flops"]


def test_an_average_lies_in_the_middle(vae_run, simulator_run, second_stage, tmp_path):
    folder = pack(vae_run, [simulator_run, second_stage], tmp_path / "mean", storage="float32", average=2)
    one, other, mean = (
        load_file(run / "dit.safetensors")["unembed.weight"] for run in (simulator_run, second_stage, folder)
    )
    assert not torch.equal(one, other)
    torch.testing.assert_close(mean, (one + other) / 2)
    assert "the mean of those after the last 2 stages" in (folder / "card.md").read_text()
    with pytest.raises(WorldsimError, match="average=3"):
        pack(vae_run, [simulator_run, second_stage], tmp_path / "three", average=3)
