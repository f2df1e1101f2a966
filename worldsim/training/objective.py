"""What the simulator is trained to do: streaming clips on the context they will really see, joint clips for the tasks
that fill in frames, and large steps that agree with small ones.

Legend: B clips of this process, N of all, T frames, S = T - 1 targets, C latent channels, h and w latent sides,
A action channels, P tokens.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from worldsim.core.errors import WorldsimError
from worldsim.diffusion.flow import (
    NoiseConfig,
    add_noise,
    distance_to_given,
    draw_levels,
    euler_steps,
    loss_weight,
    staggered_levels,
)
from worldsim.models.clips import JointClips, StreamClips
from worldsim.models.dit import DiT, Output
from worldsim.models.heads import reward_loss
from worldsim.models.motion import Steps
from worldsim.training.processes import mean, own_rows

_LEAST_ERROR = 1e-2  # of a frame's loss: below it frames are right
_STRAYS, _STRAY_PLACES = 0.1, 4  # by how much a frame strays from the one before at most, and places across and down


@dataclass(frozen=True, kw_only=True)
class ObjectiveConfig:
    """Which clips are made of recordings, and what their losses weigh."""

    head_weight: float = 0.05  # of the reward and termination losses
    tilt_weight: float = 0.1  # of the frames' disagreement about how far down a camera looks
    error_power: float = 0.0  # a streaming frame's gradient is divided by its loss to this power; 1: all count alike
    noise: NoiseConfig = field(default_factory=NoiseConfig)
    own_context_share: float = 0.0  # of the streaming clips go on, from a random frame, on the network's own frames
    stray_share: float = 0.3  # of those of a network with motion stray from a random frame on, as long dreams do
    own_context_passes: int = 1  # how often those are predicted again from each other: after n, n steps are a roll-out
    shortcut_share: float = 0.0  # of the streaming clips train steps of 1/4 to 1 to agree with steps half as large
    text_drop: float = 0.15  # of the captions are left out, so that guidance has something to compare with
    action_drop: float = 0.5  # of the streaming clips with a caption are trained without their actions
    drop_repeated: float = 0.0  # tokens whose latents change less than this from frame to frame are left out; 0: none

    def __post_init__(self) -> None:
        for name in ("own_context_share", "stray_share", "shortcut_share", "text_drop", "action_drop"):
            if not 0 <= getattr(self, name) <= 1:
                raise WorldsimError(f"{name}={getattr(self, name)} must be in [0, 1].")
        if not 0 <= self.error_power <= 1:
            raise WorldsimError(f"error_power={self.error_power} must be in [0, 1].")
        if self.own_context_passes < 1:
            raise WorldsimError(f"own_context_passes={self.own_context_passes} must be at least 1.")
        if self.drop_repeated < 0:
            raise WorldsimError(f"drop_repeated={self.drop_repeated} must be 0 or more.")


@dataclass
class Batch:
    """Recorded clips of one size, as tensors.

    Of several processes each has some of the step's clips; random numbers are drawn for all of them.
    """

    x_BTChw: Tensor  # clean latents
    actions_BSA: Tensor  # scaled
    rewards_BS: Tensor
    terminated_BS: Tensor
    valid_BS: Tensor  # 0 for steps after an episode's end, which count for nothing
    captions: list[str] | None = None
    total: int = 0  # clips of all processes; 0: these are all

    @property
    def clips(self) -> int:
        """Of all processes."""
        return self.total or len(self.x_BTChw)

    def to(self, device: str) -> Batch:
        parts = {name: part.to(device) for name, part in vars(self).items() if isinstance(part, Tensor)}
        return replace(self, **parts)  # type: ignore[arg-type]


def prompts_of(model: DiT, config: ObjectiveConfig, batch: Batch, generator: torch.Generator) -> list[str] | None:
    """The captions, some left out; None for a network without text."""
    if model.text is None:
        return None
    drop_B = own_rows(torch.rand(batch.clips, generator=generator)) < config.text_drop
    captions = batch.captions or [""] * len(drop_B)
    return ["" if dropped else caption for caption, dropped in zip(captions, drop_B.tolist(), strict=True)]


# -- streaming clips --------------------------------------------------------------------------------------------------


def stream_clips(
    model: DiT, config: ObjectiveConfig, batch: Batch, dtype: torch.dtype, generator: torch.Generator
) -> tuple[StreamClips, Tensor]:
    """Noised streaming clips, and the clean latents (B, S, C, h, w) that their targets are to become."""
    x_BTChw, N = batch.x_BTChw, batch.clips
    B, T = x_BTChw.shape[:2]
    context_level_BT, target_level_BS = map(own_rows, draw_levels(config.noise, N, T, generator))
    noise_BTChw = own_rows(torch.randn(N, *x_BTChw.shape[1:], generator=generator))
    prompts = prompts_of(model, config, batch, generator)
    text = None if prompts is None else model.read(prompts)
    known_BS = None
    if batch.captions is not None:
        told_B = torch.tensor([bool(caption) for caption in batch.captions])
        unknown_B = told_B & (own_rows(torch.rand(N, generator=generator)) < config.action_drop)
        known_BS = (~unknown_B).float()[:, None].expand(B, T - 1)
    clips = StreamClips(
        x_BTChw, context_level_BT, x_BTChw[:, 1:], target_level_BS, batch.actions_BSA, known_BS, text
    )  # fmt: skip
    seen_BTChw = x_BTChw
    if config.own_context_share:
        seen_BTChw = own_context(model, config, clips, noise_BTChw, dtype, generator, N)
    if config.stray_share and model.motion is not None:
        seen_BTChw = seen_BTChw + strayed(config, clips, generator, N)
    clips.clean_BTChw = seen_BTChw
    clips.context_BTChw = add_noise(seen_BTChw, noise_BTChw, context_level_BT).to(dtype)
    goal_BSChw = x_BTChw[:, 1:]
    target_noise_BSChw = own_rows(torch.randn(N, *goal_BSChw.shape[1:], generator=generator))
    if config.shortcut_share:
        large_N = torch.rand(N, generator=generator) < config.shortcut_share
        large_B = own_rows(large_N)
        step_BS, grid_BS = map(own_rows, draw_step_sizes(N, T - 1, generator))
        clips.step_size_BS = step_BS * large_B[:, None]
        clips.target_noise_BS = torch.where(large_B[:, None], grid_BS, target_level_BS)
    clips.target_BSChw = add_noise(goal_BSChw, target_noise_BSChw, clips.target_noise_BS).to(dtype)
    if config.shortcut_share and large_N.any():
        agreed_BSChw = shortcut_goal(model, clips, large_B)
        goal_BSChw = torch.where(large_B[:, None, None, None, None], agreed_BSChw, goal_BSChw)
    if config.drop_repeated:
        clips.keep_BSP = changed_tokens(x_BTChw, model.config.patch, config.drop_repeated)[:, 1:]
    return clips, goal_BSChw


def stream_loss(
    config: ObjectiveConfig, batch: Batch, clips: StreamClips, goal_BSChw: Tensor, output: Output, patch: int
) -> tuple[Tensor, dict[str, Tensor]]:
    """Flow loss of the targets and the losses of the heads."""
    valid_BS = batch.valid_BS
    count = mean(valid_BS.sum())
    error_BS = frame_error(output.latent.float() - goal_BSChw, clips.keep_BSP, patch)
    error_BS = balanced(error_BS * loss_weight(clips.target_noise_BS), config.error_power)
    flow = (error_BS * valid_BS).sum() / count
    reward = (reward_loss(output.reward_logits, batch.rewards_BS) * valid_BS).sum() / count
    logit_BS = output.termination_logit.float()
    ends_BS = F.binary_cross_entropy_with_logits(logit_BS, batch.terminated_BS, reduction="none")
    ending = (ends_BS * valid_BS).sum() / count
    total, values = flow + config.head_weight * (reward + ending), {"flow": flow, "reward": reward, "ending": ending}
    if output.steps is not None and output.steps.read_BT is not None:
        known_BS = valid_BS if clips.action_known_BS is None else valid_BS * clips.action_known_BS
        values["tilt"] = tilt_error(output.steps, known_BS).sum() / count
        total = total + config.tilt_weight * values["tilt"]
    return total, {name: value.detach() for name, value in values.items()}


def tilt_error(steps: Steps, counts_BS: Tensor) -> Tensor:
    """How far each frame is from the others of its clip in where they say that the camera looked to begin with (B, S).

    By how much actions pitch a camera is known, so the frames of a clip teach how far down each of them looks, but for
    one number for all; that is learned from what turns do to the picture.
    """
    assert steps.read_BT is not None
    begun_BS = steps.read_BT - (steps.pitch_BT.cumsum(1) - steps.pitch_BT)
    middle_B1 = (begun_BS * counts_BS).sum(1, keepdim=True) / counts_BS.sum(1, keepdim=True).clamp(min=1)
    return F.smooth_l1_loss(begun_BS, middle_B1.expand_as(begun_BS), reduction="none") * counts_BS


def balanced(error_BS: Tensor, power: float) -> Tensor:
    """The same losses of frames, whose gradients are divided by the losses to ``power``.

    The adaptive weight of Geng et al. 2025 (mean flows), for each frame: a frame in which little is to be learned, but
    that something was placed in it, counts beside one that turns to what nobody has seen. At 1 the gradient is that of
    the mean PSNR.
    """
    if not power:
        return error_BS
    plain_BS = error_BS.detach()
    return plain_BS + (error_BS - plain_BS) / (plain_BS + _LEAST_ERROR) ** power


@torch.no_grad()
def own_context(
    model: DiT, config: ObjectiveConfig, clips: StreamClips, noise_BTChw: Tensor, dtype: torch.dtype,
    generator: torch.Generator, total: int = 0,
) -> Tensor:  # fmt: skip
    """The clips as a roll-out would see them: in a share of them, from a random frame on, one-step predictions.

    Scheduled sampling (Bengio et al. 2015) in parallel (Mihaylova and Martins 2019): every pass predicts all frames at
    once from the frames of the pass before, so after n passes the first n own frames are those of a roll-out and the
    later ones carry the errors of n steps. No gradient goes through the predictions. ``clips`` hold clean latents, of
    ``total`` clips of all processes where not of all, and are told which frames are their own.
    """
    x_BTChw = clips.context_BTChw
    B, T = x_BTChw.shape[:2]
    N = total or B
    clips.own_BT = dreamt_from(config.own_context_share, N, T, generator)
    alone_BT = clips.own_BT.bool()[..., None, None, None]
    pure_BSChw = own_rows(torch.randn(N, T - 1, *x_BTChw.shape[2:], generator=generator)).to(dtype)
    level_BT, ones_BS = clips.context_noise_BT, torch.ones(B, T - 1)
    seen_BTChw = x_BTChw
    for _ in range(config.own_context_passes):
        context_BTChw = add_noise(seen_BTChw, noise_BTChw, level_BT).to(dtype)
        alone = StreamClips(
            context_BTChw, level_BT, pure_BSChw, ones_BS, clips.actions_BSA, clips.action_known_BS, clips.text,
            step_size_BS=ones_BS if model.config.shortcut else None,
            own_BT=clips.own_BT, clean_BTChw=seen_BTChw,
        )  # fmt: skip
        own_BTChw = torch.cat((x_BTChw[:, :1], model.run([alone])[0].latent.float()), 1)
        seen_BTChw = torch.where(alone_BT, own_BTChw, x_BTChw)
    return seen_BTChw


def strayed(config: ObjectiveConfig, clips: StreamClips, generator: torch.Generator, total: int = 0) -> Tensor:
    """What to add to clips for them to be off as long dreams are (B, T, C, h, w); they are told which frames are.

    In a share of the clips, from a random frame on, what a frame is off by is that of the one before and some more:
    smooth in place, where the noise of contexts is none, so only what was seen longer ago tells of it. A dream that
    never met this goes along with whatever it is off by, and further.
    """
    B, T, C, h, w = clips.context_BTChw.shape
    N, places = total or B, _STRAY_PLACES
    own_BT = dreamt_from(config.stray_share, N, T, generator)
    most_N = _STRAYS * torch.rand(N, generator=generator)
    draw_NTChw = torch.randn(N, T, C, places, places, generator=generator) * most_N[:, None, None, None, None]
    off_BTChw = (own_rows(draw_NTChw) * own_BT[..., None, None, None]).cumsum(1)
    clips.own_BT = own_BT if clips.own_BT is None else torch.maximum(clips.own_BT, own_BT)
    return F.interpolate(off_BTChw.flatten(0, 1), (h, w), mode="bilinear").unflatten(0, (B, T))


def dreamt_from(share: float, total: int, length: int, generator: torch.Generator) -> Tensor:
    """1 from a random frame on in a share of all clips, but never at the first, 0 elsewhere (B, T)."""
    start_N = torch.randint(1, length, (total,), generator=generator)
    start_N[torch.rand(total, generator=generator) >= share] = length
    return (torch.arange(length) >= own_rows(start_N)[:, None]).float()


def draw_step_sizes(batch: int, frames: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Step sizes 1, 1/2 or 1/4 of each frame (B, S), and a noise level that such steps come through."""
    count_BS = 2 ** torch.randint(0, 3, (batch, frames), generator=generator)
    index_BS = (torch.rand(batch, frames, generator=generator) * count_BS).floor() + 1
    return 1 / count_BS, index_BS / count_BS


@torch.no_grad()
def shortcut_goal(model: DiT, clips: StreamClips, large_B: Tensor) -> Tensor:
    """The clean latents (B, S, C, h, w) that one large step has to predict to land where two of half its size do.

    Shortcut models (Frans et al. 2024) with x-prediction; no gradient goes through the goal. Rows outside ``large_B``
    are zero.
    """
    index = large_B.nonzero().squeeze(1)
    if not len(index):  # a sharded network runs in all processes, also where none of these clips is large
        index = torch.zeros(1, dtype=torch.long)
    assert clips.step_size_BS is not None
    half_BS = clips.step_size_BS[index] / 2
    told_BS = torch.where(half_BS < 0.25, 0.0, half_BS)  # steps of 1/8 are small: the flow itself
    level_BS = clips.target_noise_BS[index]
    begin_BSChw = clips.target_BSChw[index].float()
    sample_BSChw = begin_BSChw
    known_BS, own_BT, clean_BTChw = (
        None if given is None else given[index] for given in (clips.action_known_BS, clips.own_BT, clips.clean_BTChw)
    )
    text = None if clips.text is None else clips.text.select(index)
    for _ in range(2):
        part = StreamClips(
            clips.context_BTChw[index], clips.context_noise_BT[index], sample_BSChw.to(clips.target_BSChw.dtype),
            level_BS, clips.actions_BSA[index], known_BS, text, told_BS, own_BT=own_BT, clean_BTChw=clean_BTChw,
        )  # fmt: skip
        predicted = model.run([part])[0].latent.float()
        sample_BSChw = euler_steps(sample_BSChw, predicted, level_BS, level_BS - half_BS)
        level_BS = level_BS - half_BS
    first_BS = clips.target_noise_BS[index]
    share_BS = (first_BS / clips.step_size_BS[index])[..., None, None, None]
    goal = torch.zeros(clips.target_BSChw.shape)
    goal[index] = begin_BSChw - share_BS * (begin_BSChw - sample_BSChw)
    return goal


# -- joint clips ------------------------------------------------------------------------------------------------------

# Which frames are given, and how often: none, the first, a beginning, an ending, both ends, any.
GIVEN_PATTERNS = {"none": 0.2, "first": 0.2, "beginning": 0.1, "ending": 0.15, "ends": 0.25, "any": 0.1}
JOINT_ACTION_DROP = 0.5  # most tasks say nothing of actions


def joint_clips(
    model: DiT, config: ObjectiveConfig, batch: Batch, dtype: torch.dtype, generator: torch.Generator
) -> JointClips:
    """Noised joint clips. In half of them frames are denoised one after another; in a quarter the frames that are not
    given share one noise level, in a quarter each has its own."""
    x_BTChw, N = batch.x_BTChw, batch.clips
    T = x_BTChw.shape[1]
    given_NT = draw_given(N, T, generator)
    context_NT, own_NS = draw_levels(config.noise, N, T + 1, generator)
    kind_N1 = torch.rand(N, 1, generator=generator)
    made_NT = torch.where(kind_N1 < 0.25, own_NS[:, :1], own_NS)
    made_NT = torch.where(kind_N1 < 0.5, made_NT, draw_staggered(given_NT, generator))
    given_NT = given_NT | (made_NT == 0)
    # High levels are where it is decided what is seen: at lower ones the picture itself tells, and words are not read.
    level_NT = torch.where(given_NT, context_NT[:, 1:], 1 - (1 - made_NT).square())
    given_BT, level_BT = own_rows(given_NT), own_rows(level_NT)
    noise_BTChw = own_rows(torch.randn(N, *x_BTChw.shape[1:], generator=generator))
    prompts = prompts_of(model, config, batch, generator)
    known_B1 = (own_rows(torch.rand(N, 1, generator=generator)) >= JOINT_ACTION_DROP).float()
    keep = changed_tokens(x_BTChw, model.config.patch, config.drop_repeated) if config.drop_repeated else None
    return JointClips(
        add_noise(x_BTChw, noise_BTChw, level_BT).to(dtype),
        level_BT,
        given_BT,
        batch.actions_BSA,
        known_B1 * batch.valid_BS,
        None if prompts is None else model.read(prompts),
        keep_BTP=None if keep is None else keep | given_BT[..., None],
    )


def draw_staggered(given_BT: Tensor, generator: torch.Generator) -> Tensor:
    """Levels (B, T) at a random moment of denoising from the given frames on; 0 for the frames that are done.

    In half of the clips each frame waits until the one before is done, in half of them one is just beginning.
    """
    distance_BT = distance_to_given(given_BT)
    lag_B1, moment_B1, begins_B1 = torch.rand(3, len(given_BT), 1, generator=generator)
    lag_B1 = (2 * lag_B1).clamp(0.05, 1)
    progress_B1 = moment_B1 * (1 + lag_B1 * (distance_BT.amax(1, keepdim=True) - 1))
    begun_B1 = (progress_B1 / lag_B1).floor() * lag_B1
    return staggered_levels(distance_BT, lag_B1, torch.where(begins_B1 < 0.5, begun_B1, progress_B1))


def joint_loss(batch: Batch, clips: JointClips, output: Output | None, patch: int) -> Tensor:
    """Flow loss of the frames that were not given; ``output`` is None where this process has none of the clips."""
    latent_BTChw = batch.x_BTChw if output is None else output.latent.float()
    error_BT = frame_error(latent_BTChw - batch.x_BTChw, clips.keep_BTP, patch)
    counts_BT = (~clips.given_BT).float()
    counts_BT[:, 1:] *= batch.valid_BS
    return (error_BT * loss_weight(clips.noise_BT) * counts_BT).sum() / mean(counts_BT.sum()).clamp(min=1e-6)


def draw_given(batch: int, frames: int, generator: torch.Generator) -> Tensor:
    """Which frames of each clip are given (B, T), by ``GIVEN_PATTERNS``; never all."""
    given_BT = torch.zeros(batch, frames, dtype=torch.bool)
    if frames == 1:
        return given_BT
    shares = torch.tensor(list(GIVEN_PATTERNS.values()))
    picks = torch.multinomial(shares, batch, replacement=True, generator=generator).tolist()
    for row, pick in zip(given_BT, picks, strict=True):
        longest = max(1, min(frames // 2, frames - 2))
        first, last = torch.randint(1, longest + 1, (2,), generator=generator).tolist()
        pattern = list(GIVEN_PATTERNS)[pick]
        if pattern == "first":
            row[0] = True
        if pattern in ("beginning", "ends"):
            row[: min(first, frames - 2) if pattern == "ends" and frames > 2 else first] = True
        if pattern in ("ending", "ends") and (pattern == "ending" or frames > 2):
            row[-min(last, frames - 1 - int(row.sum())) :] = True
        if pattern == "any":
            row[:] = torch.rand(frames, generator=generator) < 0.3
            row[int(torch.randint(0, frames, (1,), generator=generator))] = False
    return given_BT


# -- tokens -----------------------------------------------------------------------------------------------------------


def changed_tokens(x_BTChw: Tensor, patch: int, least: float) -> Tensor:
    """Tokens (B, T, P) whose latents differ from the frame before by ``least`` (root mean square); all of frame 0.

    Run-length tokenization (Choudhury et al. 2024): what repeats is left out.
    """
    change = F.pad((x_BTChw[:, 1:] - x_BTChw[:, :-1]).square().mean(2), (0, 0, 0, 0, 1, 0), value=float("inf"))
    return F.max_pool2d(change, patch).flatten(2) >= least**2


def frame_error(error_BTChw: Tensor, keep_BTP: Tensor | None, patch: int) -> Tensor:
    """Mean squared error of each frame (B, T), over the tokens that were kept."""
    if keep_BTP is None:
        return error_BTChw.square().mean((2, 3, 4))
    rows, columns = (side // patch for side in error_BTChw.shape[-2:])
    kept = keep_BTP.unflatten(2, (rows, columns)).repeat_interleave(patch, 2).repeat_interleave(patch, 3)
    kept_BThw = kept.to(error_BTChw.dtype)
    return (error_BTChw.square().mean(2) * kept_BThw).sum((2, 3)) / kept_BThw.sum((2, 3)).clamp(min=1)
