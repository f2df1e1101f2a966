"""What every autoencoder keeps: shapes, lengths, streams equal to whole clips, one file that brings it back."""

from __future__ import annotations

import pytest
import torch

from worldsim.core.errors import DamagedFileError, WorldsimError
from worldsim.models.autoencoders import VAE, Autoencoder, Pixels, VAEConfig, load_autoencoder, save_autoencoder
from worldsim.simulators.checkpoints import SHIPPED

STREAM_TOLERANCE = 1e-5  # greatest absolute difference in float32: other batch sizes may be summed in another order


def small_vae(temporal_stride: int) -> VAE:
    torch.manual_seed(0)
    vae = VAE(VAEConfig(latent_channels=4, widths=(8, 8, 16), blocks=1, temporal_stride=temporal_stride))
    for parameter in vae.parameters():
        if parameter.ndim == 0:  # gains start at zero, where no block does anything
            torch.nn.init.constant_(parameter, 0.7)
    vae.measure_latents([clips(vae, 4)])
    return vae.eval()


MAKERS = {
    "stride 1": lambda: small_vae(1),
    "stride 2": lambda: small_vae(2),
    "stride 4": lambda: small_vae(4),
    "pixels": lambda: Pixels(4),
}


@pytest.fixture(params=MAKERS)
def autoencoder(request) -> Autoencoder:
    return MAKERS[request.param]()


def clips(autoencoder: Autoencoder, latents: int, height: int = 16, width: int = 24) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    shape = (2, autoencoder.clip_frames(latents), 3, height, width)
    return torch.rand(shape, generator=generator) * 2 - 1


@torch.no_grad()
@pytest.mark.parametrize(("latents", "height", "width"), [(1, 16, 16), (3, 8, 24), (4, 32, 16)])
def test_any_length_and_size(autoencoder, latents, height, width):
    x_BT3HW = clips(autoencoder, latents, height, width)
    z_BSChw = autoencoder.encode_clip(x_BT3HW)
    stride = autoencoder.spatial_stride
    assert z_BSChw.shape == (2, latents, autoencoder.latent_channels, height // stride, width // stride)
    assert autoencoder.decode_clip(z_BSChw).shape == x_BT3HW.shape
    assert autoencoder.latent_frames(x_BT3HW.shape[1]) == latents


@torch.no_grad()
def test_streams_equal_whole_clips(autoencoder):
    x_BT3HW = clips(autoencoder, 4)
    z_BSChw = autoencoder.encode_clip(x_BT3HW)
    state, latents = None, []
    for t in range(x_BT3HW.shape[1]):
        latent, state = autoencoder.encode_next(x_BT3HW[:, t], state)
        assert (latent is not None) == (t % autoencoder.temporal_stride == 0)
        latents += [] if latent is None else [latent]
    assert (torch.stack(latents, 1) - z_BSChw).abs().max() < STREAM_TOLERANCE
    whole = autoencoder.decode_clip(z_BSChw)
    state, frames = None, []
    for s in range(z_BSChw.shape[1]):
        part, state = autoencoder.decode_next(z_BSChw[:, s], state)
        assert part.shape[1] == (1 if s == 0 else autoencoder.temporal_stride)
        frames.append(part)
    assert (torch.cat(frames, 1) - whole).abs().max() < STREAM_TOLERANCE


@torch.no_grad()
def test_a_kept_state_branches(autoencoder):
    z_BSChw = autoencoder.encode_clip(clips(autoencoder, 3))
    _, state = autoencoder.decode_next(z_BSChw[:, 0], None)
    one, _ = autoencoder.decode_next(z_BSChw[:, 1], state)
    autoencoder.decode_next(z_BSChw[:, 2], state)
    again, _ = autoencoder.decode_next(z_BSChw[[1, 0], 1], state.select([1, 0]))
    assert (again[[1, 0]] - one).abs().max() < STREAM_TOLERANCE


@torch.no_grad()
def test_nothing_comes_from_the_future(autoencoder):
    x_BT3HW = clips(autoencoder, 4)
    cut = autoencoder.clip_frames(3)
    changed = x_BT3HW.clone()
    changed[:, cut:] = 0
    z, other = autoencoder.encode_clip(x_BT3HW), autoencoder.encode_clip(changed)
    assert torch.equal(z[:, :3], other[:, :3]) and not torch.equal(z[:, 3:], other[:, 3:])
    y, other = autoencoder.decode_clip(z), autoencoder.decode_clip(other)
    assert torch.equal(y[:, :cut], other[:, :cut]) and not torch.equal(y[:, cut:], other[:, cut:])


@torch.no_grad()
def test_an_image_is_a_clip_of_one_frame(autoencoder):
    x_BT3HW = clips(autoencoder, 1)
    z_BChw = autoencoder.encode(x_BT3HW[:, 0])
    assert (z_BChw - autoencoder.encode_clip(x_BT3HW)[:, 0]).abs().max() < STREAM_TOLERANCE
    assert (autoencoder.decode(z_BChw) - autoencoder.decode_clip(z_BChw[:, None])[:, 0]).abs().max() < STREAM_TOLERANCE


@torch.no_grad()
def test_earlier_frames_matter():
    vae = small_vae(2)
    x_BT3HW = clips(vae, 3)
    changed = x_BT3HW.clone()
    changed[:, 0] = 0
    assert not torch.equal(vae.encode_clip(x_BT3HW)[:, 1], vae.encode_clip(changed)[:, 1])


@torch.no_grad()
def test_one_file_brings_it_back(autoencoder, tmp_path):
    save_autoencoder(tmp_path / "vae.safetensors", autoencoder)
    x_BT3HW = clips(autoencoder, 2)
    for place in (tmp_path, tmp_path / "vae.safetensors"):
        again = load_autoencoder(place)
        assert type(again) is type(autoencoder)
        assert (again.encode_clip(x_BT3HW) - autoencoder.encode_clip(x_BT3HW)).abs().max() < STREAM_TOLERANCE


@pytest.mark.parametrize(("stride", "frames", "near"), [(2, 4, "3 and 5"), (4, 8, "5 and 9"), (4, 0, "1 and 5")])
def test_a_length_that_cannot_be_encoded_names_the_nearest(stride, frames, near):
    vae = small_vae(stride)
    with pytest.raises(WorldsimError, match=f"a clip of {frames} frames.*{near}"):
        vae.encode_clip(torch.zeros(1, frames, 3, 16, 16))


def test_pixels_lose_nothing():
    pixels = load_autoencoder("pixels")
    assert (pixels.spatial_stride, pixels.latent_channels) == (8, 192)
    assert load_autoencoder("pixels:4").latent_channels == 48
    x_BT3HW = clips(pixels, 3)
    assert isinstance(pixels, Pixels)
    pixels.measure_latents([x_BT3HW[:, :2], x_BT3HW[:, 2:]])
    z_BSChw = pixels.encode_clip(x_BT3HW)
    assert z_BSChw.mean().abs() < 1e-5 and abs(z_BSChw.std() - 1) < 1e-3
    assert (pixels.decode_clip(z_BSChw) - x_BT3HW).abs().max() < 1e-6


@pytest.mark.parametrize(
    ("name", "place", "pixel"),
    [
        ("voxel-base", (3, 5), (-0.503564119, 0.143664777, 0.474490523)),
        ("doom-base", (5, 7), (-0.482401907, -0.515302241, -0.627911687)),
    ],
)
@torch.no_grad()
def test_shipped_weights_draw_what_they_always_drew(name, place, pixel):
    vae = load_autoencoder(SHIPPED / name)
    z_BChw = torch.randn(1, vae.latent_channels, 2, 3, generator=torch.Generator().manual_seed(0))
    drawn_3 = vae.decode(z_BChw)[0, :, place[0], place[1]]
    torch.testing.assert_close(drawn_3, torch.tensor(pixel), atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("runs/nothing", "'runs/nothing'"),
        ("pixels:big", "pixels:big"),
        ("pixels:0", "spatial_stride=0"),
    ],
)
def test_a_name_that_is_none_is_refused(name, message):
    with pytest.raises(WorldsimError, match=message):
        load_autoencoder(name)


def test_another_kind_of_file_is_refused():
    with pytest.raises(DamagedFileError, match="holds a DiT"):
        load_autoencoder(SHIPPED / "voxel-base" / "dit.safetensors")
