"""Clips of several kinds and sizes in one sequence: as if each were alone, whatever is dropped or said."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from worldsim.core.errors import WorldsimError
from worldsim.models.attention import CONTEXT, JOINT, TARGET, sees
from worldsim.models.clips import JointClips, StreamClips, between_given
from worldsim.models.dit import DiT, DiTConfig
from worldsim.models.flops import training_flops
from worldsim.models.layout import Part
from worldsim.models.text import TextConfig

WORDS = ("a", "red", "blue", "pillar")
CONFIG = DiTConfig(
    action_channels=3, latent_channels=4, dim=48, depth=4, heads=2, window=3, joint=True, shortcut=True, motion=True,
    text=TextConfig(width=16, depth=1, heads=2, max_words=8, words=WORDS),
)  # fmt: skip
SIZES = ((4, 4), (6, 4), (4, 8))
TOLERANCE = 2e-5  # float32; the order of sums differs


def randomised(config: DiTConfig) -> DiT:
    torch.manual_seed(0)
    model = DiT(config)
    with torch.no_grad():  # what starts at zero would hide what it does
        for parameter in model.parameters():
            if not parameter.any():
                parameter.normal_(std=0.1)
    return model.eval()


@pytest.fixture(scope="module")
def model() -> DiT:
    return randomised(CONFIG)


def stream_clips(model: DiT, seed: int, batch: int, frames: int, size: tuple[int, int], prompt: str) -> StreamClips:
    g = torch.Generator().manual_seed(seed)
    x = torch.randn(batch, frames, 4, *size, generator=g)
    return StreamClips(
        x, torch.rand(batch, frames, generator=g) * 0.3, torch.randn(x[:, 1:].shape, generator=g),
        torch.rand(batch, frames - 1, generator=g), torch.randn(batch, frames - 1, 3, generator=g),
        text=model.read([prompt] * batch), step_size_BS=torch.full((batch, frames - 1), 0.5),
    )  # fmt: skip


def joint_clips(model: DiT, seed: int, batch: int, frames: int, size: tuple[int, int], prompt: str) -> JointClips:
    g = torch.Generator().manual_seed(seed)
    given_BT = torch.rand(batch, frames, generator=g) < 0.3
    return JointClips(
        torch.randn(batch, frames, 4, *size, generator=g), torch.rand(batch, frames, generator=g), given_BT,
        torch.randn(batch, frames - 1, 3, generator=g), torch.ones(batch, frames - 1), model.read([prompt] * batch),
    )  # fmt: skip


@torch.no_grad()
def test_packed_clips_are_as_if_each_were_alone(model):
    packed = [
        stream_clips(model, 1, 2, 6, SIZES[0], "a red pillar"),
        joint_clips(model, 2, 1, 7, SIZES[1], "blue"),
        joint_clips(model, 3, 3, 1, SIZES[2], ""),
        stream_clips(model, 4, 1, 3, SIZES[2], "a pillar"),
    ]
    together = model.run(packed)
    for one, clips in zip(together, packed, strict=True):
        alone = model.run([clips])[0]
        assert alone.latent.std() > 0.1
        for field in ("latent", "reward_logits", "termination_logit"):
            assert (getattr(one, field) - getattr(alone, field)).abs().max() < TOLERANCE


def test_packed_gradients_are_those_of_separate_clips(model):
    def clips() -> list[StreamClips | JointClips]:
        return [stream_clips(model, 1, 1, 4, SIZES[0], "red"), joint_clips(model, 2, 2, 5, SIZES[1], "blue pillar")]

    def gradients(outputs) -> torch.Tensor:
        model.zero_grad()
        sum(output.latent.square().sum() for output in outputs).backward()
        return torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])

    packed, alone = gradients(model.run(clips())), gradients([model.run([one])[0] for one in clips()])
    assert torch.allclose(packed, alone, rtol=1e-3, atol=1e-3 * alone.abs().max())
    model.zero_grad()


@torch.no_grad()
def test_a_part_per_clip_equals_one_part_of_several(model):
    both = stream_clips(model, 5, 2, 5, SIZES[0], "red")
    whole = model.run([both])[0].latent
    for row in range(2):
        one = dataclasses.replace(
            both, **{f.name: getattr(both, f.name)[row : row + 1] for f in dataclasses.fields(both)
                     if isinstance(getattr(both, f.name), torch.Tensor)}, text=both.text.select([row]),
        )  # fmt: skip
        assert (model.run([one])[0].latent - whole[row : row + 1]).abs().max() < TOLERANCE


@torch.no_grad()
def test_text_reaches_every_frame_and_only_its_own_clip(model):
    def clips(first: str) -> list[JointClips]:
        return [joint_clips(model, 6, 1, 4, SIZES[0], first), joint_clips(model, 7, 1, 4, SIZES[0], "blue")]

    red, blue = (model.run(clips(word)) for word in ("a red pillar", "a blue pillar"))
    assert ((red[0].latent - blue[0].latent).abs().amax((0, 2, 3, 4)) > 1e-3).all()
    assert (red[1].latent - blue[1].latent).abs().max() < TOLERANCE


@torch.no_grad()
def test_padding_of_prompts_says_nothing(model):
    short = joint_clips(model, 8, 1, 3, SIZES[0], "red")
    padded = dataclasses.replace(short, text=model.read(["red"], 9))
    assert padded.text.features_BLE.shape[1] == 9
    assert (model.joint(short).latent - model.joint(padded).latent).abs().max() < TOLERANCE


@torch.no_grad()
def test_dropping_no_token_changes_nothing_and_dropped_tokens_are_not_seen(model):
    clips = joint_clips(model, 9, 2, 5, SIZES[1], "red")
    tokens = 6
    everything = dataclasses.replace(clips, keep_BTP=torch.ones(2, 5, tokens, dtype=torch.bool))
    assert (model.joint(clips).latent - model.joint(everything).latent).abs().max() < TOLERANCE
    stream = stream_clips(model, 9, 2, 5, SIZES[1], "red")
    kept = dataclasses.replace(stream, keep_BSP=torch.ones(2, 4, tokens, dtype=torch.bool))
    assert (model.run([stream])[0].latent - model.run([kept])[0].latent).abs().max() < TOLERANCE

    keep = everything.keep_BTP.clone()
    keep[0, 2, 3] = False  # rows 2 and 3, columns 2 and 3 of frame 2: not a given frame, so nothing refers to it
    clips.given_BT[0, 2] = False
    changed = clips.frames_BTChw.clone()
    changed[0, 2, :, 2:4, 2:4] += 5.0
    with_hole = [
        model.joint(dataclasses.replace(clips, frames_BTChw=x, keep_BTP=keep)).latent
        for x in (clips.frames_BTChw, changed)
    ]
    assert torch.equal(with_hole[0], with_hole[1])
    assert (model.joint(dataclasses.replace(clips, frames_BTChw=changed)).latent - with_hole[0]).abs().max() > 1e-3


@torch.no_grad()
def test_joint_frames_see_both_sides_up_to_the_window(model):
    shallow = randomised(dataclasses.replace(CONFIG, depth=1))
    clips = joint_clips(shallow, 10, 1, 9, SIZES[0], "")
    clips.given_BT[:] = False
    before = shallow.joint(clips).latent
    clips.frames_BTChw[:, 4] += 1.0
    moved = (shallow.joint(clips).latent - before).abs().amax((0, 2, 3, 4)) > 1e-6
    assert moved.tolist() == [abs(t - 4) <= CONFIG.window for t in range(9)]


def test_the_rule_of_attention():
    def seen(kind_q: int, time_q: int, kind_k: int, time_k: int) -> bool:
        return bool(sees(*(torch.tensor(n) for n in (kind_q, time_q, kind_k, time_k)), window=2))

    assert [seen(CONTEXT, 5, CONTEXT, t) for t in range(3, 7)] == [False, True, True, False]
    assert [seen(TARGET, 5, CONTEXT, t) for t in range(2, 7)] == [False, True, True, False, False]
    assert [seen(TARGET, 5, TARGET, t) for t in range(4, 7)] == [False, True, False]
    assert [seen(JOINT, 5, JOINT, t) for t in range(2, 9)] == [False, True, True, True, True, True, False]
    assert not any(seen(*pair) for pair in ((CONTEXT, 5, TARGET, 5), (CONTEXT, 5, JOINT, 5), (JOINT, 5, CONTEXT, 5)))


def test_the_reference_of_joint_frames_lies_between_the_given_ones():
    x = torch.arange(6.0).view(1, 6, 1, 1, 1).square()
    given = torch.tensor([[False, True, False, False, True, False]])
    assert between_given(x, given).flatten().tolist() == pytest.approx([1, 1, 6, 11, 16, 16])
    assert not between_given(x, torch.zeros_like(given)).any()
    assert between_given(x, torch.ones_like(given)).flatten().tolist() == x.flatten().tolist()


def test_a_streaming_network_says_that_it_has_no_joint_clips():
    model = DiT(dataclasses.replace(CONFIG, joint=False))
    with pytest.raises(WorldsimError, match="joint=true"):
        model.joint(joint_clips(model, 1, 1, 2, SIZES[0], ""))


def test_flops_of_packed_parts_agree_with_the_profiler():
    from torch.utils.flop_counter import FlopCounterMode

    config = dataclasses.replace(CONFIG, text=None)
    model = DiT(config)
    clips = joint_clips(model, 1, 2, 4, SIZES[1], "")
    with FlopCounterMode(display=False) as counter:
        output = model.joint(clips)
        (output.latent.sum() + output.reward_logits.sum() + output.termination_logit.sum()).backward()
    assert counter.get_total_flops() == pytest.approx(training_flops(config, Part(True, 2, 4, 3, 2)), rel=0.04)
