"""What is made of recorded clips: given frames, large steps that agree with small ones, tokens that are left out."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from worldsim.core.errors import WorldsimError
from worldsim.diffusion.flow import NoiseConfig, add_noise, euler_steps
from worldsim.models.clips import StreamClips
from worldsim.models.dit import DiT, DiTConfig
from worldsim.models.motion import Steps
from worldsim.models.text import TextConfig
from worldsim.training.objective import (
    GIVEN_PATTERNS,
    Batch,
    ObjectiveConfig,
    balanced,
    changed_tokens,
    draw_given,
    draw_staggered,
    draw_step_sizes,
    frame_error,
    joint_clips,
    joint_loss,
    prompts_of,
    shortcut_goal,
    stream_clips,
    tilt_error,
)

CONFIG = DiTConfig(
    action_channels=2, latent_channels=4, dim=32, depth=2, heads=2, window=4, joint=True, shortcut=True,
    text=TextConfig(width=16, depth=1, heads=2, max_words=4, words=("red", "blue")),
)  # fmt: skip
B, T = 6, 7


@pytest.fixture(scope="module")
def model() -> DiT:
    torch.manual_seed(0)
    model = DiT(CONFIG)
    with torch.no_grad():
        for parameter in model.parameters():
            if not parameter.any():
                parameter.normal_(std=0.1)
    return model


@pytest.fixture
def batch() -> Batch:
    g = torch.Generator().manual_seed(1)
    valid = torch.ones(B, T - 1)
    valid[0, -2:] = 0
    return Batch(
        torch.randn(B, T, 4, 4, 4, generator=g), torch.randn(B, T - 1, 2, generator=g), torch.zeros(B, T - 1),
        torch.zeros(B, T - 1), valid, ["red"] * B,
    )  # fmt: skip


def test_every_pattern_of_given_frames_leaves_something_to_make():
    for frames in (1, 2, 3, 13):
        given = draw_given(400, frames, torch.Generator().manual_seed(frames))
        assert not given.all(1).any()
    none = ~given.any(1)
    only_first = given[:, 0] & (given.sum(1) == 1)
    both_ends = given[:, 0] & given[:, -1] & ~given[:, 6]
    ending = given[:, -1] & ~given[:, 0]
    for share, pattern in ((none, "none"), (only_first, "first"), (both_ends, "ends"), (ending, "ending")):
        assert share.float().mean() > 0.7 * GIVEN_PATTERNS[pattern]


def test_joint_clips_are_really_noised_to_their_labels(model, batch):
    """Given frames to at most ``context_max``, and no frame is passed clean under a label of noise."""
    clips = joint_clips(model, ObjectiveConfig(), batch, torch.float32, torch.Generator().manual_seed(3))
    assert (clips.noise_BT[clips.given_BT] <= ObjectiveConfig().noise.context_max).all()
    noise = clips.frames_BTChw - (1 - clips.noise_BT)[..., None, None, None] * batch.x_BTChw
    measured = noise.square().mean((2, 3, 4)).sqrt()
    assert torch.allclose(measured, clips.noise_BT, rtol=0.35, atol=1e-6)


def test_staggered_levels_rise_with_the_distance_to_what_is_given():
    generator = torch.Generator().manual_seed(0)
    given = torch.zeros(400, 8, dtype=torch.bool)
    given[:200, 3] = True
    levels = draw_staggered(given, generator)
    assert (levels[200:].diff(dim=1) >= 0).all()  # nothing is given: from the first frame on
    assert (levels[:200, 4:].diff(dim=1) >= 0).all() and (levels[:200, :3].diff(dim=1) <= 0).all()
    assert (levels[200:, -1] > 0).all()  # something is always left to make
    in_turn = ((levels[200:] > 0) & (levels[200:] < 1)).sum(1)
    assert (in_turn <= 1).float().mean() > 0.4  # in many clips each waits for the one before


def test_frames_that_are_done_are_given_to_the_others(model, batch):
    clips = joint_clips(model, ObjectiveConfig(), batch, torch.float32, torch.Generator().manual_seed(3))
    assert (clips.noise_BT[clips.given_BT] <= NoiseConfig().context_max).all()
    assert (clips.noise_BT[~clips.given_BT] > 0).all()
    assert (~clips.given_BT).any(1).all()


def test_joint_loss_counts_made_frames_of_the_episode_only(model, batch):
    config = ObjectiveConfig()
    clips = joint_clips(model, config, batch, torch.float32, torch.Generator().manual_seed(3))
    output = model.joint(clips)
    before = joint_loss(batch, clips, output, 2)
    counted = ~clips.given_BT
    counted[0, -2:] = False
    output.latent = torch.where(counted[..., None, None, None], output.latent, output.latent + 7.0)
    assert torch.equal(joint_loss(batch, clips, output, 2), before)
    output.latent = output.latent + 7.0
    assert joint_loss(batch, clips, output, 2) > before


def test_images_are_joint_clips_of_one_frame(model, batch):
    nothing = torch.zeros(B, 0)
    images = Batch(batch.x_BTChw[:, :1], batch.actions_BSA[:, :0], nothing, nothing, nothing, batch.captions)
    clips = joint_clips(model, ObjectiveConfig(), images, torch.float32, torch.Generator().manual_seed(3))
    assert not clips.given_BT.any()
    assert torch.isfinite(joint_loss(images, clips, model.joint(clips), 2))


def test_shortcut_goal_is_where_two_half_steps_lead_and_carries_no_gradient(model, batch):
    config = ObjectiveConfig(shortcut_share=1.0, text_drop=0.0, action_drop=0.0)
    clips, goal = stream_clips(model, config, batch, torch.float32, torch.Generator().manual_seed(5))
    assert not goal.requires_grad
    half = clips.step_size_BS / 2
    told = torch.where(half < 0.25, 0.0, half)
    sample, level = clips.target_BSChw, clips.target_noise_BS
    with torch.no_grad():
        for _ in range(2):
            now = dataclasses.replace(clips, target_BSChw=sample, target_noise_BS=level, step_size_BS=told)
            sample = euler_steps(sample, model.run([now])[0].latent, level, level - half)
            level = level - half
        landed = euler_steps(clips.target_BSChw, goal, clips.target_noise_BS, clips.target_noise_BS - 2 * half)
    torch.testing.assert_close(landed, sample, rtol=1e-4, atol=1e-4)
    assert (goal - batch.x_BTChw[:, 1:]).abs().max() > 0.1  # it is the network's own word, not the recording


def test_shortcut_rows_only(model, batch):
    clips = StreamClips(
        batch.x_BTChw, torch.zeros(B, T), batch.x_BTChw[:, 1:], torch.ones(B, T - 1), batch.actions_BSA,
        step_size_BS=torch.ones(B, T - 1),
    )  # fmt: skip
    large = torch.tensor([True, False] * 3)
    goal = shortcut_goal(model, clips, large)
    assert goal[large].any() and not goal[~large].any()


def test_step_sizes_fit_their_levels():
    step, level = draw_step_sizes(50, 8, torch.Generator().manual_seed(0))
    assert set(step.flatten().tolist()) == {1.0, 0.5, 0.25}
    assert (level >= step).all() and (level <= 1).all()
    assert torch.equal(level / step, (level / step).round())


def test_captions_and_actions_are_left_out_at_the_stated_share(model, batch):
    many = dataclasses.replace(batch, x_BTChw=batch.x_BTChw[:1].expand(400, -1, -1, -1, -1), captions=["red"] * 400)
    prompts = prompts_of(model, ObjectiveConfig(text_drop=0.3), many, torch.Generator().manual_seed(0))
    assert prompts is not None
    assert 0.22 < prompts.count("") / 400 < 0.38
    config = ObjectiveConfig(action_drop=0.5)
    known = [
        stream_clips(model, config, batch, torch.float32, torch.Generator().manual_seed(seed))[0].action_known_BS
        for seed in range(8)
    ]
    share = torch.stack([one for one in known if one is not None])[..., 0].mean()
    assert 0.25 < share < 0.75
    untold = dataclasses.replace(batch, captions=[""] * B)
    clips, _ = stream_clips(model, config, untold, torch.float32, torch.Generator().manual_seed(0))
    assert (clips.action_known_BS == 1).all(), "without actions and words nothing would say what to do"


def test_repeated_tokens_are_those_that_changed_little():
    x = torch.zeros(1, 3, 2, 4, 4)
    x[0, 1, :, 0, 3] = 1.0  # the upper right token changes in frame 1, and back in frame 2
    keep = changed_tokens(x, 2, 0.5)
    assert keep[0].tolist() == [[True] * 4, [False, True, False, False], [False, True, False, False]]
    error = torch.ones(1, 3, 2, 4, 4)
    error[0, 1, :, 2:] = 100.0  # in dropped tokens
    assert frame_error(error, keep, 2).tolist() == [[1.0, 1.0, 1.0]]
    assert frame_error(error, None, 2)[0, 1] > 100


def test_dropping_tokens_trains(model, batch):
    batch.x_BTChw[:, 1:] = batch.x_BTChw[:, :1] + 0.01
    batch.x_BTChw[:, 3:, :, 0, 0] += 3.0
    config = ObjectiveConfig(drop_repeated=0.5)
    clips, goal = stream_clips(model, config, batch, torch.float32, torch.Generator().manual_seed(5))
    assert clips.keep_BSP is not None and clips.keep_BSP.float().mean() < 0.3
    output = model.run([clips])[0]
    frame_error(output.latent - goal, clips.keep_BSP, 2).sum().backward()
    assert model.embed.weight.grad.abs().sum() > 0
    model.zero_grad()


def test_noise_is_added_as_labelled_for_targets(model, batch):
    clips, goal = stream_clips(model, ObjectiveConfig(), batch, torch.float32, torch.Generator().manual_seed(9))
    noise = (clips.target_BSChw - add_noise(goal, torch.zeros_like(goal), clips.target_noise_BS)).square()
    assert torch.allclose(noise.mean((2, 3, 4)).sqrt(), clips.target_noise_BS, rtol=0.35, atol=1e-6)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"text_drop": 1.5}, "text_drop=1.5"),
        ({"own_context_passes": 0}, "own_context_passes=0"),
        ({"drop_repeated": -1.0}, "drop_repeated=-1.0"),
        ({"error_power": 2.0}, "error_power=2.0"),
        ({"shortcut_share": -0.1}, "shortcut_share=-0.1"),
    ],
)
def test_bad_settings_name_the_value(change, message):
    with pytest.raises(WorldsimError, match=message):
        ObjectiveConfig(**change)


def test_a_frames_gradient_is_divided_by_its_loss_to_a_power():
    """A frame that is off by 3 pulls ten times as hard as one that is off by .3, as hard, or a tenth as hard."""
    off_BS = torch.tensor([[0.3, 3.0]], requires_grad=True)
    for power, ratio in ((0.0, 10.0), (0.5, 1.0), (1.0, 0.1)):
        (gradient_BS,) = torch.autograd.grad(balanced(off_BS.square(), power).sum(), off_BS)
        assert float(gradient_BS[0, 1] / gradient_BS[0, 0]) == pytest.approx(ratio, rel=0.15)


def test_balanced_losses_are_told_as_they_are_and_right_frames_are_not_blown_up():
    loss_BS = torch.tensor([[0.0, 1e-9, 0.5]], requires_grad=True)
    told_BS = balanced(loss_BS, 1.0)
    assert torch.equal(told_BS, loss_BS)
    (gradient_BS,) = torch.autograd.grad(told_BS.sum(), loss_BS)
    assert float(gradient_BS.max()) == pytest.approx(100, rel=1e-3)


def test_frames_that_agree_about_where_the_camera_looked_cost_nothing():
    """Read on the way down, each frame says what the actions add to the first; one that does not is what costs."""
    pitch = torch.tensor([[0.5, -0.2, 0.3, 0.0]])
    agreed = 0.7 + pitch.cumsum(1) - pitch
    nothing = torch.zeros(1, 4)
    assert float(tilt_error(Steps(nothing, nothing, nothing, agreed, pitch), torch.ones(1, 4)).sum()) < 1e-10
    wrong = agreed + torch.tensor([[0.0, 0.0, 0.4, 0.0]])
    assert tilt_error(Steps(nothing, nothing, nothing, wrong, pitch), torch.ones(1, 4)).argmax() == 2
    ended = torch.tensor([[1.0, 1.0, 0.0, 1.0]])  # frames that do not count neither cost nor disturb the others
    assert float(tilt_error(Steps(nothing, nothing, nothing, wrong, pitch), ended).sum()) < 1e-10
