"""Training autoencoders: tables of several sizes, temporal strides, and a discriminator that resumes with the run."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from safetensors.torch import load_file
from small_runs import SMALL_VAE, VAE_CONFIG

from worldsim.core.errors import WorldsimError
from worldsim.core.records import read_rows
from worldsim.data.collect import collect
from worldsim.models.autoencoders import load_autoencoder, save_autoencoder
from worldsim.training.vae import VAETrainConfig, train_vae


@pytest.fixture(scope="module")
def wide_recording(tmp_path_factory):
    out = tmp_path_factory.mktemp("data") / "wide.lance"
    size = {"height": 32, "width": 48}
    collect("voxel/arena", "envs.policies.explorer:make_explorer", 1, out, max_steps=40, workers=1, env_kwargs=size)
    return out


@pytest.fixture(scope="module")
def clip_run(recording, wide_recording, tmp_path_factory):
    model = dataclasses.replace(SMALL_VAE, temporal_stride=2)
    config = dataclasses.replace(VAE_CONFIG, steps=20, batch=14, model=model, perceptual="gradients")
    out = tmp_path_factory.mktemp("runs") / "clips"
    return train_vae(config, [recording, wide_recording], out, progress=lambda line: None)


def test_clips_of_several_sizes(clip_run):
    assert read_rows(clip_run / "rows.jsonl")[-1]["perceptual"] > 0
    vae = load_autoencoder(clip_run)
    assert vae.temporal_stride == 2
    for size in ((64, 64), (32, 48)):
        with torch.no_grad():
            assert vae.decode_clip(vae.encode_clip(torch.zeros(1, 5, 3, *size))).shape == (1, 5, 3, *size)


class KilledError(Exception):
    pass


def test_an_adversarial_run_that_was_cut_short_ends_in_the_same_bits(recording, tmp_path):
    config = dataclasses.replace(VAE_CONFIG, steps=30, adversarial_weight=0.3, adversarial_start=10)

    def die(line: str) -> None:
        if line.startswith("step 20/"):
            raise KilledError

    with pytest.raises(KilledError):
        train_vae(config, [recording], tmp_path / "cut", progress=die)
    for name in ("cut", "whole"):
        train_vae(config, [recording], tmp_path / name, progress=lambda line: None)
    rows = read_rows(tmp_path / "cut" / "rows.jsonl")
    assert rows == read_rows(tmp_path / "whole" / "rows.jsonl")
    assert "adversary" not in rows[0] and rows[-1]["adversary"] > 0
    one, other = (load_file(tmp_path / name / "state.safetensors") for name in ("cut", "whole"))
    assert any(name.startswith("opponent.") for name in one)
    changed = [name for name in one if name != "wall_s" and not torch.equal(one[name], other[name])]
    assert one.keys() == other.keys() and not changed


def test_a_decoder_of_clips_is_trained_further(clip_run, recording, tmp_path):
    config = dataclasses.replace(VAE_CONFIG, steps=10, keep_encoder_of=str(clip_run))
    further = train_vae(config, [recording], tmp_path, progress=lambda line: None)
    before, after = load_autoencoder(clip_run), load_autoencoder(further)
    x_BT3HW = torch.rand(1, 5, 3, 32, 32)
    with torch.no_grad():
        assert torch.equal(before.encode_clip(x_BT3HW), after.encode_clip(x_BT3HW))
    assert any(
        not torch.equal(a, b) for a, b in zip(before.decoder.parameters(), after.decoder.parameters(), strict=True)
    )


def test_pixels_have_no_decoder_to_train(recording, tmp_path):
    save_autoencoder(tmp_path / "vae.safetensors", load_autoencoder("pixels"))
    with pytest.raises(WorldsimError, match="is a Pixels"):
        train_vae(dataclasses.replace(VAE_CONFIG, keep_encoder_of=str(tmp_path)), [recording], tmp_path / "out")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"adversarial_weight": -1.0}, "adversarial_weight=-1"),
        ({"adversarial_lr": 0.0}, "adversarial_lr=0"),
        ({"clip_frames": -2}, "clip_frames=-2"),
    ],
)
def test_bad_settings_name_the_value(change, message):
    with pytest.raises(WorldsimError, match=message):
        VAETrainConfig(**change)


def test_a_clip_length_that_does_not_fit_the_stride_is_named(recording, tmp_path):
    config = dataclasses.replace(VAE_CONFIG, clip_frames=4, model=dataclasses.replace(SMALL_VAE, temporal_stride=4))
    with pytest.raises(WorldsimError, match=r"a clip of 4 frames.*the nearest are 1 and 5"):
        train_vae(config, [recording], tmp_path)
