"""Flex attention, which GPUs run, against the CPU's own kernels: the same outputs for packed clips."""

from __future__ import annotations

import pytest
import torch

from worldsim.models.flex import packed_attention
from worldsim.models.layout import Layout, Part

PARTS = (Part(False, 2, 4, 2, 3), Part(True, 1, 7, 3, 2), Part(True, 3, 1, 2, 5), Part(False, 1, 3, 4, 2))
HEADS, HEAD_DIM, WINDOW = 2, 16, 2


@pytest.mark.parametrize("dropped", [False, True])
def test_flex_attention_equals_the_kernels_of_the_cpu(dropped):
    generator = torch.Generator().manual_seed(0)
    count = sum(part.clips * part.sequence_frames * part.tokens_per_frame for part in PARTS)
    keep_N = torch.rand(count, generator=generator) < 0.7 if dropped else None
    layout = Layout(PARTS, WINDOW, HEAD_DIM, torch.float32, torch.device("cpu"), keep_N)
    kept = count if keep_N is None else int(keep_N.sum())
    assert kept > 128  # more than one block
    qkv = [torch.randn(HEADS, kept, HEAD_DIM, generator=generator) for _ in range(3)]
    torch.testing.assert_close(packed_attention(*qkv, layout.block_mask), layout.attend(*qkv), rtol=1e-4, atol=1e-5)


def test_blocks_of_clips_that_do_not_see_each_other_are_skipped():
    part = Part(True, 4, 8, 4, 4)  # 128 tokens a clip, as many as a block
    mask = Layout((part,), 8, HEAD_DIM, torch.float32, torch.device("cpu")).block_mask
    assert mask.to_dense()[0, 0].tolist() == torch.eye(4).int().tolist()
