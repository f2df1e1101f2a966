"""Clips of several sizes and lengths as one sequence of tokens without padding (Patch n' Pack, Dehghani et al. 2023).

Linear layers run over all tokens at once; attention stays inside a clip and follows the rule of
:func:`worldsim.models.attention.sees`. A sequence is a list of parts, each of equal clips; tokens may be dropped.

Legend: N tokens of the whole sequence, F its frames, P tokens a frame, D width, H heads, E head width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from worldsim.models.attention import (
    CONTEXT,
    JOINT,
    TARGET,
    Sinks,
    as_bias,
    attention,
    clip_attention,
    clip_bias,
    joint_bias,
    sees,
)
from worldsim.models.flex import packed_attention, packed_mask
from worldsim.models.layers import rope_table

if TYPE_CHECKING:
    from torch.nn.attention.flex_attention import BlockMask


@dataclass(frozen=True)
class Part:
    """``clips`` clips of ``frames`` frames, each a grid of ``height`` x ``width`` tokens.

    A joint clip is its frames. A streaming clip is its frames as context, then all but the first as targets.
    """

    joint: bool
    clips: int
    frames: int
    height: int
    width: int

    @property
    def tokens_per_frame(self) -> int:
        return self.height * self.width

    @property
    def sequence_frames(self) -> int:
        """Frames of one clip in the sequence."""
        return self.frames if self.joint else 2 * self.frames - 1

    def times(self) -> Tensor:
        time_T = torch.arange(self.frames)
        return time_T if self.joint else torch.cat((time_T, time_T[1:]))

    def kinds(self) -> Tensor:
        if self.joint:
            return torch.full((self.frames,), JOINT)
        return torch.tensor([CONTEXT] * self.frames + [TARGET] * (self.frames - 1))


class Layout:
    """Where every token of a packed sequence stands, and attention over it.

    ``keep_N`` (bool) drops tokens: the sequence then holds the others alone, in order.
    """

    def __init__(
        self, parts: Sequence[Part], window: int, head_dim: int, dtype: torch.dtype, device: torch.device,
        keep_N: Tensor | None = None, sinks: int = 0,
    ):  # fmt: skip
        self.parts, self.window, self.keep_N = tuple(parts), window, keep_N
        frames = [part.clips * part.sequence_frames for part in parts]
        self.frame_bounds = list(pairwise(accumulate(frames, initial=0)))
        tokens = [count * part.tokens_per_frame for count, part in zip(frames, parts, strict=True)]
        self.token_bounds = list(pairwise(accumulate(tokens, initial=0)))
        self.uniform = keep_N is None and len({part.tokens_per_frame for part in parts}) == 1
        self.device = device
        positions_N3 = torch.cat([_positions(part) for part in parts]).to(device)
        if keep_N is not None:
            positions_N3 = positions_N3[keep_N]
            self._frame_N = _frame_of_token(parts).to(device)[keep_N]
            self._pieces = _ragged(parts, window, keep_N, dtype, sinks, head_dim)
        self._sinks = [_sinks(part, window, sinks, head_dim, dtype, device) for part in parts]
        self.cos, self.sin = rope_table(positions_N3, head_dim, dtype)

    def shaped(self, x_ND: Tensor) -> Tensor:
        """Tokens as (F, P, D) where all frames have as many, else (N, 1, D): the shape that ``spread`` fits."""
        return x_ND.view(self.frame_bounds[-1][1], -1, x_ND.shape[-1]) if self.uniform else x_ND[:, None]

    def spread(self, values_FD: Tensor) -> Tensor:
        """A vector for each frame, brought to its tokens: (F, 1, D) or (N, 1, D), see ``shaped``."""
        if self.uniform:
            return values_FD[:, None]
        if self.keep_N is not None:
            return values_FD.index_select(0, self._frame_N)[:, None]  # an index's backward is 8 times as slow
        spread = [  # expand and not an index: its backward is a plain sum
            values_FD[a:b, None].expand(-1, part.tokens_per_frame, -1).flatten(0, 1)
            for part, (a, b) in zip(self.parts, self.frame_bounds, strict=True)
        ]
        return torch.cat(spread)[:, None]

    def attend(self, q_HNE: Tensor, k_HNE: Tensor, v_HNE: Tensor) -> Tensor:
        """Self-attention of every clip (H, N, E)."""
        if q_HNE.is_cuda and not any(self._sinks):
            return packed_attention(q_HNE, k_HNE, v_HNE, self.block_mask)
        if self.keep_N is not None:
            inside = [
                attention(q_HNE[:, a:b], k_HNE[:, a:b], v_HNE[:, a:b], bias, sinks)
                for (a, b), bias, sinks in self._pieces
            ]
            return torch.cat(inside, 1)
        out = []
        for part, (a, b), sinks in zip(self.parts, self.token_bounds, self._sinks, strict=True):
            shape = (len(q_HNE) * part.clips, -1, q_HNE.shape[-1])
            q, k, v = (x[:, a:b].reshape(shape) for x in (q_HNE, k_HNE, v_HNE))
            sizes = (part.frames, self.window, part.tokens_per_frame, q.dtype, q.device)
            if part.joint:
                y = attention(q, k, v, joint_bias(*sizes))
            else:
                y = clip_attention(q, k, v, clip_bias(*sizes), part.tokens_per_frame, self.window, sinks)
            out.append(y.view(len(q_HNE), b - a, -1))
        return out[0] if len(out) == 1 else torch.cat(out, 1)

    @cached_property
    def block_mask(self) -> BlockMask:
        """Who sees whom in the whole sequence, for flex attention."""
        clips = [part.clips for part in self.parts]
        frames = [part.sequence_frames for part in self.parts for _ in range(part.clips)]
        clip_F = torch.arange(sum(clips)).repeat_interleave(torch.tensor(frames))
        kind_F, time_F = (
            torch.cat([values.repeat(part.clips) for values, part in zip(columns, self.parts, strict=True)])
            for columns in ([part.kinds() for part in self.parts], [part.times() for part in self.parts])
        )
        frame_N = _frame_of_token(self.parts)
        if self.keep_N is not None:
            frame_N = frame_N[self.keep_N.cpu()]
        clip_N, kind_N, time_N = (values[frame_N].to(self.device) for values in (clip_F, kind_F, time_F))
        return packed_mask(clip_N, kind_N, time_N, self.window)

    def attend_text(self, q_HNE: Tensor, keys: Sequence[tuple[Tensor, Tensor, Tensor]]) -> Tensor:
        """Cross-attention (H, N, E); ``keys`` are, for each part, keys and values (B, H, L, E) and a bias (B, L)."""
        out = []
        for part, (a, b), (k_BHLE, v_BHLE, bias_BL) in zip(self.parts, self._kept_bounds(), keys, strict=True):
            if self.keep_N is None:
                q_BHNE = q_HNE[:, a:b].unflatten(1, (part.clips, -1)).transpose(0, 1)
                y_BHNE = text_attention(q_BHNE, k_BHLE, v_BHLE, bias_BL)
                out.append(y_BHNE.transpose(0, 1).flatten(1, 2))
            else:
                for clip, (first, last) in enumerate(self._clip_bounds(part, a)):
                    one = slice(clip, clip + 1)
                    q = q_HNE[None, :, first:last]
                    out.append(text_attention(q, k_BHLE[one], v_BHLE[one], bias_BL[one])[0])
        return out[0] if len(out) == 1 else torch.cat(out, 1)

    def _kept_bounds(self) -> list[tuple[int, int]]:
        if self.keep_N is None:
            return self.token_bounds
        counts = [int(self.keep_N[a:b].sum()) for a, b in self.token_bounds]
        return list(pairwise(accumulate(counts, initial=0)))

    def _clip_bounds(self, part: Part, start: int) -> list[tuple[int, int]]:
        bounds = [piece for piece, _, _ in self._pieces]
        first = next(i for i, (a, _) in enumerate(bounds) if a == start)
        return bounds[first : first + part.clips]


def text_attention(q_BHNE: Tensor, k_BHLE: Tensor, v_BHLE: Tensor, bias_BL: Tensor) -> Tensor:
    """What tokens take from their clip's text (B, H, N, E)."""
    scores = q_BHNE * q_BHNE.shape[-1] ** -0.5 @ k_BHLE.mT + bias_BL[:, None, None]
    return scores.softmax(-1) @ v_BHLE


@lru_cache(maxsize=32)
def layout_of(
    parts: tuple[Part, ...], window: int, head_dim: int, dtype: torch.dtype, device: torch.device, sinks: int = 0
) -> Layout:
    """The layout of a sequence without dropped tokens; kept, since training meets few of them."""
    return Layout(parts, window, head_dim, dtype, device, sinks=sinks)


def _sinks(
    part: Part, window: int, sinks: int, head_dim: int, dtype: torch.dtype, device: torch.device,
    kept_N: Tensor | None = None,
) -> Sinks | None:  # fmt: skip
    """How a clip's first frames are seen from beyond the window; None where no frame is."""
    if part.joint or not sinks or part.frames <= window:
        return None
    kind_N, time_N = (x.repeat_interleave(part.tokens_per_frame) for x in (part.kinds(), part.times()))
    if kept_N is not None:
        kind_N, time_N = kind_N[kept_N], time_N[kept_N]
    return Sinks.of(kind_N.to(device), time_N.to(device), window, sinks, head_dim, dtype)


def _positions(part: Part) -> Tensor:
    """(t, y, x) of each token of a part, (N, 3)."""
    y, x = torch.meshgrid(torch.arange(part.height), torch.arange(part.width), indexing="ij")
    grid_P2 = torch.stack((y.reshape(-1), x.reshape(-1)), -1)
    time_F = part.times()
    times = time_F.repeat_interleave(len(grid_P2))[:, None]
    return torch.cat((times, grid_P2.repeat(len(time_F), 1)), -1).repeat(part.clips, 1)


def _frame_of_token(parts: Sequence[Part]) -> Tensor:
    counts = [part.tokens_per_frame for part in parts for _ in range(part.clips * part.sequence_frames)]
    return torch.arange(len(counts)).repeat_interleave(torch.tensor(counts))


def _ragged(
    parts: Sequence[Part], window: int, keep_N: Tensor, dtype: torch.dtype, sinks: int, head_dim: int
) -> list[tuple[tuple[int, int], Tensor, Sinks | None]]:
    """For each clip its range in the kept sequence, its attention bias and its sinks."""
    pieces, token, start = [], 0, 0
    for part in parts:
        kind_N, time_N = (x.repeat_interleave(part.tokens_per_frame) for x in (part.kinds(), part.times()))
        for _ in range(part.clips):
            kept = keep_N[token : token + len(kind_N)].cpu()
            kind, time = kind_N[kept].to(keep_N.device), time_N[kept].to(keep_N.device)
            visible = sees(kind[:, None], time[:, None], kind, time, window)
            first = _sinks(part, window, sinks, head_dim, dtype, keep_N.device, kept)
            pieces.append(((start, start + len(kind)), as_bias(visible, dtype), first))
            token, start = token + len(kind_N), start + len(kind)
    return pieces
