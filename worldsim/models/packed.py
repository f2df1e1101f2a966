"""Linear layers whose weights are packed once for inference on a CPU, in the order that oneDNN multiplies them in.

A plain bfloat16 product brings its weights into that order at every call, a quarter of its time for the tokens of one
stream, and a GELU costs least as a part of the product (docs/experiments.md, "Rollout speed").
"""

from __future__ import annotations

import torch
from torch import Tensor

_TYPICAL_ROWS = 256  # the packed order fits any number of rows


class PackedWeight:
    """The bfloat16 weights (out, in) and bias of a linear layer, as oneDNN takes them."""

    def __init__(self, weight: Tensor, bias: Tensor | None):
        self._weight = torch.ops.mkldnn._reorder_linear_weight(weight.detach(), _TYPICAL_ROWS)
        self._bias = None if bias is None else bias.detach()

    def __deepcopy__(self, memo: dict) -> PackedWeight:
        """Itself: it never changes, and opaque tensors cannot be copied."""
        return self

    def __call__(self, x: Tensor, gelu: bool) -> Tensor:
        """``x`` (..., in) to (..., out), through a GELU where asked for."""
        kind = "gelu" if gelu else "none"
        return torch.ops.mkldnn._linear_pointwise(x, self._weight, self._bias, kind, [], "none")


def can_pack(weight: Tensor) -> bool:
    """Whether these weights have a packed order on this machine."""
    return (
        weight.dtype == torch.bfloat16
        and weight.device.type == "cpu"
        and torch.backends.mkldnn.is_available()
        and torch.ops.mkldnn._is_mkldnn_bf16_supported()
    )
