"""Clips as in a dream: by the network's own predictions, which after n passes are a roll-out of n frames, or astray."""

from __future__ import annotations

import torch

from worldsim.diffusion.flow import add_noise
from worldsim.models.clips import StreamClips
from worldsim.models.dit import DiT, DiTConfig
from worldsim.training.objective import Batch, own_context, strayed, stream_clips
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

    assert clips.own_BT is not None
    changed_BT = (seen != x_BTChw).flatten(2).any(-1)
    start_B = torch.where(changed_BT.any(1), changed_BT.int().argmax(1), FRAMES)
    assert len(set(start_B.tolist())) > 1 and start_B.min() >= 1
    assert torch.equal(clips.own_BT, changed_BT.float())
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


def astray(share: float) -> tuple[StreamClips, torch.Tensor]:
    x_BTChw, level_BT = torch.zeros(64, FRAMES, 4, 16, 16), torch.zeros(64, FRAMES)
    clips = StreamClips(x_BTChw, level_BT, x_BTChw[:, 1:], level_BT[:, 1:], torch.zeros(64, FRAMES - 1, 2))
    config = SimulatorTrainConfig(stray_share=share)
    return clips, strayed(config, clips, torch.Generator().manual_seed(0))


def test_clips_stray_more_and_more_and_smoothly():
    clips, off = astray(1.0)
    assert clips.own_BT is not None and clips.own_BT[:, 0].max() == 0
    assert torch.equal(off.abs().amax((2, 3, 4)) > 0, clips.own_BT > 0)
    after_T = [off[:, t][clips.own_BT.sum(1) == FRAMES - 1].std() for t in range(1, FRAMES)]
    assert after_T[-1] > 1.5 * after_T[0]
    assert off.diff(dim=-1).std() < off.std() / 2


def test_a_share_of_the_clips_strays():
    clips, off = astray(0.5)
    assert clips.own_BT is not None
    assert 0.3 < float(clips.own_BT[:, -1].mean()) < 0.7
    assert off[clips.own_BT[:, -1] == 0].abs().max() == 0


def test_mosaics_are_of_strayed_frames_without_noise():
    x_BTChw, zero_BS = torch.zeros(8, FRAMES, 4, 4, 4), torch.zeros(8, FRAMES - 1)
    batch = Batch(x_BTChw, torch.zeros(8, FRAMES - 1, 2), zero_BS, zero_BS, zero_BS + 1)
    model = DiT(DiTConfig(action_channels=2, latent_channels=4, dim=32, depth=1, heads=2, window=4, motion=True))
    config = SimulatorTrainConfig(stray_share=1.0)
    clips, _ = stream_clips(model, config, batch, torch.float32, torch.Generator().manual_seed(0))
    assert clips.clean_BTChw is not None and clips.own_BT is not None
    assert torch.equal(clips.clean_BTChw.abs().amax((2, 3, 4)) > 0, clips.own_BT > 0)
    assert (clips.context_BTChw - clips.clean_BTChw).abs().amax((2, 3, 4)).min() > 0


def test_only_networks_with_motion_stray_and_their_targets_do_not():
    x_BTChw, zero_BS = torch.zeros(8, FRAMES, 4, 4, 4), torch.zeros(8, FRAMES - 1)
    batch = Batch(x_BTChw, torch.zeros(8, FRAMES - 1, 2), zero_BS, zero_BS, zero_BS + 1)
    config = SimulatorTrainConfig(stray_share=1.0)
    for motion in (False, True):
        shape = dict(action_channels=2, latent_channels=4, dim=32, depth=1, heads=2, window=4)
        model = DiT(DiTConfig(**shape, motion=motion))
        clips, goal = stream_clips(model, config, batch, torch.float32, torch.Generator().manual_seed(0))
        assert (clips.own_BT is not None) == motion
        assert goal.abs().max() == 0
