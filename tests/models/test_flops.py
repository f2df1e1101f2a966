"""Arithmetic counted from shapes is what PyTorch's counter counts while the networks run forwards and backwards."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from worldsim.models.autoencoders import VAE, VAEConfig
from worldsim.models.clips import JointClips, StreamClips
from worldsim.models.dit import DiT, DiTConfig
from worldsim.models.flops import autoencoder_training_flops, training_flops
from worldsim.models.layout import Part
from worldsim.models.text import TextConfig

CHANNELS, ACTIONS = 16, 14
TOLERANCE = 0.01  # the first layer needs no gradient of its input, and words are not counted
TEXT = TextConfig(width=64, max_words=12, words=("a", "red", "pillar"))


def counted(work: Callable[[], torch.Tensor]) -> float:
    with FlopCounterMode(display=False) as counter:
        work().backward()
    return float(counter.get_total_flops())


def clips_of(part: Part, model: DiT) -> StreamClips | JointClips:
    B, T, size = part.clips, part.frames, (2 * part.height, 2 * part.width)
    x = torch.randn(B, T, CHANNELS, *size)
    actions, text = torch.randn(B, T - 1, ACTIONS), model.read(["a red pillar"] * B)
    if part.joint:
        return JointClips(x, torch.rand(B, T), torch.rand(B, T) < 0.3, actions, torch.ones(B, T - 1), text)
    return StreamClips(x, torch.rand(B, T), x[:, 1:], torch.rand(B, T - 1), actions, text=text)


@pytest.mark.parametrize(
    ("config", "parts"),
    [
        pytest.param({}, [Part(False, 2, 14, 4, 4)], id="streaming"),
        pytest.param({"window": 20, "dim": 192, "heads": 3}, [Part(False, 1, 24, 4, 4)], id="streaming, long window"),
        pytest.param({"window": 10, "sinks": 2}, [Part(False, 1, 20, 4, 4)], id="streaming with sinks"),
        pytest.param({"motion": True}, [Part(False, 2, 14, 4, 4)], id="streaming with motion"),
        pytest.param({"motion": True, "camera": (0, 1)}, [Part(False, 2, 14, 4, 4)], id="streaming with a camera"),
        pytest.param({"motion": True, "displaced": True}, [Part(False, 2, 14, 4, 4)], id="streaming with bodies"),
        pytest.param({"joint": True}, [Part(True, 2, 13, 4, 4)], id="joint"),
        pytest.param({"joint": True}, [Part(False, 1, 14, 4, 4), Part(True, 2, 5, 6, 4)], id="both, of two sizes"),
        pytest.param({"text": TEXT}, [Part(False, 2, 14, 4, 4)], id="streaming with text"),
        pytest.param({"joint": True, "text": TEXT}, [Part(True, 2, 13, 4, 4)], id="joint with text"),
    ],
)
def test_of_the_transformer(config, parts):
    model_config = DiTConfig(ACTIONS, CHANNELS, **{"dim": 128, "depth": 4, "heads": 2, **config})
    torch.manual_seed(0)
    model = DiT(model_config)
    clips = [clips_of(part, model) for part in parts]

    def work() -> torch.Tensor:
        outputs = model.run(clips)
        return sum(
            (o.latent.sum() + o.reward_logits.sum() + o.termination_logit.sum() for o in outputs), torch.zeros(())
        )

    ours = sum(training_flops(model_config, part) for part in parts)
    assert ours == pytest.approx(counted(work), rel=TOLERANCE)


@pytest.mark.parametrize("temporal_stride", [1, 4])
def test_of_the_autoencoder(temporal_stride):
    torch.manual_seed(0)
    vae = VAE(VAEConfig(widths=(16, 32, 48), temporal_stride=temporal_stride))
    frames = vae.clip_frames(4)
    x = torch.randn(2, frames, 3, 64, 64)
    theirs = counted(lambda: vae.decode_posterior(vae.posterior_mean(x)).sum())
    assert autoencoder_training_flops(vae, 64, 64) * 2 * frames == pytest.approx(theirs, rel=2 * TOLERANCE)
