"""Clips that go on by the network's own predictions: after n passes, n frames are those of a roll-out."""

from __future__ import annotations

import torch

from worldsim.diffusion.flow import add_noise
from worldsim.models.clips import StreamClips
from worldsim.models.dit import DiT, DiTConfig
from worldsim.training.objective import own_context
from worldsim.training.simulator_config import SimulatorTrainConfig

PASSES, BATCH, FRAMES = 3, 5, 8


def test_passes_make_a_rollout():
    torch.manual_seed(0)
    model = DiT(DiTConfig(action_channels=2, latent_channels=4, dim=32, depth=2, heads=2, window=4))
    for parameter in model.parameters():  # an untrained network predicts no change
        torch.nn.init.normal_(parameter, std=0.2)
    config = SimulatorTrainConfig(precision="float32", own_context_share=1.0, own_context_passes=PASSES)
    x_BTChw = torch.randn(BATCH, FRAMES, 4, 4, 4)
    noise_BTChw, level_BT = torch.randn_like(x_BTChw), torch.full((BATCH, FRAMES), 0.1)
    actions_BSA = torch.randn(BATCH, FRAMES - 1, 2)
    clips = StreamClips(x_BTChw, level_BT, x_BTChw[:, 1:], level_BT[:, 1:], actions_BSA)
    seen = own_context(model, config, clips, noise_BTChw, torch.float32, torch.Generator().manual_seed(1))

    changed_BT = (seen != x_BTChw).flatten(2).any(-1)
    start_B = torch.where(changed_BT.any(1), changed_BT.int().argmax(1), FRAMES)
    assert len(set(start_B.tolist())) > 1 and start_B.min() >= 1
    generator = torch.Generator().manual_seed(1)
    torch.randint(1, FRAMES, (BATCH,), generator=generator), torch.rand(BATCH, generator=generator)
    pure_BSChw = torch.randn(x_BTChw[:, 1:].shape, generator=generator)
    for b, start in enumerate(start_B.tolist()):
        alone = x_BTChw[b : b + 1].clone()
        for t in range(start, min(start + PASSES, FRAMES)):
            context = add_noise(alone, noise_BTChw[b : b + 1], level_BT[b : b + 1])
            with torch.no_grad():
                output = model(
                    context,
                    level_BT[b : b + 1],
                    pure_BSChw[b : b + 1],
                    torch.ones(1, FRAMES - 1),
                    actions_BSA[b : b + 1],
                )
            alone[:, t] = output.latent[:, t - 1]
            torch.testing.assert_close(seen[b, t], alone[0, t], rtol=1e-4, atol=1e-4)
