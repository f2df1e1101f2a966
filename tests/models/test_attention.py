"""Attention over a clip equals ``scaled_dot_product_attention`` under the whole mask."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from worldsim.models.attention import clip_attention, clip_bias

TOKENS = 4


def whole_mask(frames: int, window: int) -> torch.Tensor:
    """(N, N), written down frame by frame: True where a token sees another."""
    count = 2 * frames - 1
    seen = torch.zeros(count, count, dtype=torch.bool)
    for t in range(frames):
        for s in range(max(0, t - window + 1), t + 1):
            seen[t, s] = True
    for t in range(1, frames):
        row = frames + t - 1
        seen[row, row] = True
        for s in range(max(0, t - window), t):
            seen[row, s] = True
    return seen.repeat_interleave(TOKENS, 0).repeat_interleave(TOKENS, 1)


@pytest.mark.parametrize(("frames", "window"), [(6, 3), (21, 3), (40, 18)], ids=["one chunk", "two", "three"])
def test_equals_attention_under_the_whole_mask_with_its_gradients(frames, window):
    generator = torch.Generator().manual_seed(0)
    shape = (2, 3, (2 * frames - 1) * TOKENS, 8)
    ours = [torch.randn(shape, generator=generator, requires_grad=True) for _ in range(3)]
    theirs = [x.detach().clone().requires_grad_() for x in ours]
    bias = clip_bias(frames, window, TOKENS, torch.float32, torch.device("cpu"))
    out = clip_attention(*(x.flatten(0, 1) for x in ours), bias, TOKENS, window).view(shape)
    expected = F.scaled_dot_product_attention(*theirs, attn_mask=whole_mask(frames, window))
    torch.testing.assert_close(out, expected, rtol=1e-5, atol=1e-5)
    weight = torch.randn(shape, generator=generator)
    (out * weight).sum().backward()
    (expected * weight).sum().backward()
    for mine, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine.grad, other.grad, rtol=1e-4, atol=1e-5)
