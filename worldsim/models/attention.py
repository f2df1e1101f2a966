"""Attention over tokens with a place in time and a kind of frame, under one rule of who sees whom.

``sees`` is the rule. The kernels below give the same result faster where its structure is known: streaming pairs of
context and target frames are scored in the two parts that the rule leaves (a fifth of the cost of
``scaled_dot_product_attention`` under the whole mask on a CPU, docs/experiments.md), joint clips in one.

Legend: G clips times heads, N tokens, C context tokens, S sink tokens, P tokens a frame, E head width.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

from worldsim.models.layers import rope_table, rotate

CONTEXT, TARGET, JOINT = range(3)  # kinds of frames
# Of a clip attended from at once, with the keys that they see alone: fewer leave out more, and make smaller products.
_CHUNK_FRAMES = 16


def sees(kind_q: Tensor, time_q: Tensor, kind_k: Tensor, time_k: Tensor, window: int) -> Tensor:
    """Whether a query token sees a key token of the same clip (bool, broadcast).

    A context frame sees itself and the ``window - 1`` context frames before it; a target frame sees itself and the
    ``window`` context frames before it; joint frames see joint frames up to ``window`` before and after them.
    """
    age = time_q - time_k
    past = (kind_k == CONTEXT) & torch.where(
        kind_q == TARGET, (age >= 1) & (age <= window), (kind_q == CONTEXT) & (age >= 0) & (age < window)
    )
    own = (kind_q == TARGET) & (kind_k == TARGET) & (age == 0)
    joint = (kind_q == JOINT) & (kind_k == JOINT) & (age.abs() <= window)
    return past | own | joint


def sees_as_sink(kind_q: Tensor, time_q: Tensor, kind_k: Tensor, time_k: Tensor, window: int, sinks: int) -> Tensor:
    """Whether a query token of a streaming clip sees a key token because it is of one of the first ``sinks`` frames.

    These have left the window; they are seen as if they stood just before it, so that no distance is longer than those.
    """
    age = time_q - time_k
    beyond = ((kind_q == TARGET) & (age > window)) | ((kind_q == CONTEXT) & (age >= window))
    return (kind_k == CONTEXT) & (time_k < sinks) & beyond


def as_bias(visible: Tensor, dtype: torch.dtype) -> Tensor:
    """0 where ``visible`` and -inf elsewhere, to be added to scores."""
    return torch.zeros(visible.shape, dtype=dtype, device=visible.device).masked_fill(~visible, float("-inf"))


@dataclass(frozen=True)
class Sinks:
    """The first S tokens of a streaming clip, as they are seen from beyond the window: turned, and under a bias."""

    query_turn: tuple[Tensor, Tensor]  # (N, E) each: every query, to where its window begins at time 0
    key_turn: tuple[Tensor, Tensor]  # (S, E) each: to time 0
    bias_NS: Tensor

    @classmethod
    def of(cls, kind_N: Tensor, time_N: Tensor, window: int, sinks: int, head_dim: int, dtype: torch.dtype) -> Sinks:
        """For the tokens of a clip, which begins with its context frames."""
        time_S = time_N[(kind_N == CONTEXT) & (time_N < sinks)]
        kind_S = torch.full_like(time_S, CONTEXT)
        visible = sees_as_sink(kind_N[:, None], time_N[:, None], kind_S, time_S, window, sinks)
        seen_at_N = window + (kind_N == TARGET).long()
        turns = [rope_table(F.pad(time[:, None], (0, 2)), head_dim, dtype) for time in (seen_at_N - time_N, -time_S)]
        return cls(turns[0], turns[1], as_bias(visible, dtype))

    def scores(self, q_GNE: Tensor, k_GNE: Tensor, rows: slice = slice(None)) -> Tensor:
        """(G, N, S), of queries that are already scaled; they are the ``rows`` of the clip."""
        k_GSE = rotate(k_GNE[:, : self.bias_NS.shape[1]], *self.key_turn)
        turned_GNE = rotate(q_GNE, *(turn[rows] for turn in self.query_turn))
        return torch.baddbmm(self.bias_NS[rows].expand(len(q_GNE), -1, -1), turned_GNE, k_GSE.mT)


def attention(
    q_GNE: Tensor, k_GME: Tensor, v_GME: Tensor, bias_NM: Tensor | None, sinks: Sinks | None = None
) -> Tensor:
    """Plain softmax attention (G, N, E) with an optional additive bias; on CPU faster than SDPA with a mask."""
    q_GNE = q_GNE * q_GNE.shape[-1] ** -0.5
    if bias_NM is None:
        scores = q_GNE @ k_GME.mT
    else:
        scores = torch.baddbmm(bias_NM.expand(len(q_GNE), -1, -1), q_GNE, k_GME.mT)
    if sinks is not None:
        scores = torch.cat((scores, sinks.scores(q_GNE, k_GME)), -1)
        v_GME = torch.cat((v_GME, v_GME[:, : sinks.bias_NS.shape[1]]), 1)
    return scores.softmax(-1) @ v_GME


def clip_attention(
    q_GNE: Tensor, k_GNE: Tensor, v_GNE: Tensor, bias_NC: Tensor, tokens: int, window: int, sinks: Sinks | None = None
) -> Tensor:
    """Attention output (G, N, E) of C context tokens followed by N - C target tokens, ``tokens`` a frame.

    ``bias_NC`` is 0 where a token sees a context token and -inf where it does not (``clip_bias``).
    """
    G, _, E = q_GNE.shape
    C = bias_NC.shape[1]
    chunks = clip_chunks(C // tokens, window)
    # Frame 0 is no target. One split and not many slices: the backward pass of each of those fills a whole tensor.
    sizes = [(last - first) * tokens for first, last, _ in chunks]
    target_sizes = [sizes[0] - tokens, *sizes[1:]]
    queries = (q_GNE * E**-0.5).split([*sizes, *target_sizes], 1)
    (k_GCE, *own_keys), (v_GCE, *own_values) = (x.split([C, *target_sizes], 1) for x in (k_GNE, v_GNE))

    def past(q_GQE: Tensor, rows: slice, seen: slice) -> tuple[Tensor, Tensor]:
        """Scores of the queries at ``rows`` for the context that they may see, and its values."""
        scores = torch.baddbmm(bias_NC[rows, seen].expand(G, -1, -1), q_GQE, k_GCE[:, seen].mT)
        if sinks is None:
            return scores, v_GCE[:, seen]
        values = torch.cat((v_GCE[:, seen], v_GCE[:, : sinks.bias_NS.shape[1]]), 1)
        return torch.cat((scores, sinks.scores(q_GQE, k_GCE, rows)), -1), values

    context, targets = [], []
    for number, (first, last, oldest) in enumerate(chunks):
        seen = slice(oldest * tokens, last * tokens)
        scores, values = past(queries[number], slice(first * tokens, last * tokens), seen)
        context.append(scores.softmax(-1) @ values)
        q_GQE, end = queries[len(chunks) + number], C + (last - 1) * tokens
        scores, values = past(q_GQE, slice(end - q_GQE.shape[1], end), seen)
        q_FPE, k_FPE, v_FPE = (x.reshape(-1, tokens, E) for x in (q_GQE, own_keys[number], own_values[number]))
        own_GSP = (q_FPE @ k_FPE.mT).view(G, -1, tokens)
        weight = torch.cat((scores, own_GSP), -1).softmax(-1)
        own_GSE = (weight[..., -tokens:].reshape(-1, tokens, tokens) @ v_FPE).view(G, -1, E)
        targets.append(torch.baddbmm(own_GSE, weight[..., :-tokens], values))
    return torch.cat((*context, *targets), 1)


def clip_chunks(frames: int, window: int) -> list[tuple[int, int, int]]:
    """Frames of a streaming clip that are attended from at once: first, end, and the oldest that one of them sees."""
    starts = range(0, frames, _CHUNK_FRAMES)
    return [(first, min(frames, first + _CHUNK_FRAMES), max(0, first - window)) for first in starts]


@lru_cache(maxsize=32)
def clip_bias(frames: int, window: int, tokens: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """(N, C): what each token of a clip of streaming pairs sees of its context tokens."""
    context_T = torch.arange(frames, device=device)
    kind_F = torch.tensor([CONTEXT] * frames + [TARGET] * (frames - 1), device=device)
    time_F = torch.cat((context_T, context_T[1:]))
    visible = sees(kind_F[:, None], time_F[:, None], torch.full_like(context_T, CONTEXT), context_T, window)
    return as_bias(visible.repeat_interleave(tokens, 0).repeat_interleave(tokens, 1), dtype)


@lru_cache(maxsize=32)
def joint_bias(frames: int, window: int, tokens: int, dtype: torch.dtype, device: torch.device) -> Tensor | None:
    """(N, N) of a joint clip; None where every frame sees every other."""
    if frames <= window + 1:
        return None
    time_T = torch.arange(frames, device=device)
    kind_T = torch.full_like(time_T, JOINT)
    visible = sees(kind_T[:, None], time_T[:, None], kind_T, time_T, window)
    return as_bias(visible.repeat_interleave(tokens, 0).repeat_interleave(tokens, 1), dtype)
