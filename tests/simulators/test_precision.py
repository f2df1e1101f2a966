"""What is fast says the same: bfloat16 with packed weights against plain bfloat16 and against float32."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from worldsim.core.types import Context
from worldsim.models.dit import DiT, load_dit
from worldsim.models.layers import can_pack
from worldsim.models.streaming import StreamContext
from worldsim.simulators import load, load_networks
from worldsim.simulators.checkpoints import find_checkpoint

NAME = "voxel-base"
# Root mean square of a latent, which is 1: of the first frame dreamt, where bfloat16 itself is off by 0.007.
TOLERANCE = 0.015
GREY_LEVELS = 0.5  # mean difference of a frame's bytes


def contexts(codec) -> list[Context]:
    """Real frames, more of them than the window for one slot and a single one for another."""
    import gymnasium

    env = gymnasium.make("voxel/arena")
    action = codec.vector(forward=1, camera_yaw_right_deg=4)
    made = []
    for seed, frames in enumerate((14, 1, 5), start=3):
        seen = [env.reset(seed=seed)[0]]
        seen += [env.step(codec.decode(action))[0] for _ in range(frames - 1)]
        made.append(Context(np.stack(seen), np.tile(action, (frames - 1, 1)).astype(np.float32)))
    env.close()
    return made


def test_bfloat16_dreams_what_float32_dreams():
    latents, frames = [], []
    for precision in ("float32", "bfloat16"):
        simulator = load(NAME, precision=precision)
        state = simulator.reset(contexts(simulator.codec), [""] * 3, [1, 2, 3])
        actions = np.tile(simulator.codec.vector(forward=1, camera_yaw_right_deg=4), (3, 1))
        state, prediction = simulator.step(state, actions)
        latents.append(state.newest_BChw)
        frames.append(prediction.frames.astype(int))
    assert (latents[0] - latents[1]).square().mean((1, 2, 3)).sqrt().max() < TOLERANCE
    assert np.abs(frames[0] - frames[1]).mean((1, 2, 3)).max() < GREY_LEVELS
    assert latents[0].std() > 0.5


def predicted(dit: DiT) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    shape = dit.config.latent_channels, 4 * dit.config.patch, 4 * dit.config.patch
    z, before, target = (torch.randn(2, *shape, generator=generator).to(dit.dtype) for _ in range(3))
    cache, one_B, action_BA = dit.new_cache(2, *shape[1:]), torch.ones(2), torch.randn(2, 14, generator=generator)
    context = StreamContext(before, 0.05 * one_B, action_BA, one_B)
    with torch.inference_mode():
        output = dit.stream(cache, target, one_B, action_BA, z, torch.tensor([1, 7]), context)
    return output.latent.float()


def test_packed_weights_are_the_same_weights():
    file = find_checkpoint(NAME).folder / "dit.safetensors"
    plain, exact, packed = load_dit(file).to(torch.bfloat16), load_dit(file), load_networks(NAME)[2]
    if not can_pack(packed.unembed.weight):
        pytest.skip("oneDNN has no bfloat16 here")
    assert packed.unembed.packed is not None and plain.unembed.packed is None
    of_plain, of_packed = ((predicted(dit) - predicted(exact)).square().mean().sqrt() for dit in (plain, packed))
    assert of_packed < 1.2 * of_plain
    assert 0 < of_plain < 0.05
    assert packed.state_dict().keys() == plain.state_dict().keys()
