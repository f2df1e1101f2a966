"""The diffusion transformer: latents of past frames and actions in, the clean latent of the next frame out.

Every frame is conditioned on its own noise level and on the action that led to it (diffusion forcing, Chen et al. 2024;
DiT, Peebles and Xie 2023, with one modulation network shared by all blocks as in PixArt-alpha). Two kinds of frames
share one sequence: *context* frames, slightly noised, which attend to earlier context, and *target* frames at any noise
level, which attend to the context before them and to themselves. Training runs all pairs of a clip in parallel under a
mask (``forward``); a rollout runs the same arithmetic one frame at a time on a ring cache (``stream``).

Legend: B batch, T frames, F frames of context and target together, P tokens a frame, N = F * P, D width, H heads,
E head width, A action channels, C latent channels, h and w latent sides.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from worldsim.core.errors import DamagedFileError, WorldsimError
from worldsim.models.attention import clip_attention, clip_bias
from worldsim.models.cache import FrameView, RingCache
from worldsim.models.checkpoint import load_weights, read_header
from worldsim.models.heads import Heads
from worldsim.models.layers import Conditioning, Linear, norm, rope_table, rotate


@dataclass(frozen=True)
class DiTConfig:
    """``window`` is how many past frames a frame attends to, in training and in rollouts alike."""

    action_channels: int
    latent_channels: int = 16
    dim: int = 256
    depth: int = 8
    heads: int = 4
    mlp_ratio: int = 4
    patch: int = 2
    window: int = 12
    reward_bins: int = 41

    def __post_init__(self) -> None:
        if self.dim % self.heads or (self.dim // self.heads) % 2:
            raise WorldsimError(f"dim={self.dim} must be an even multiple of heads={self.heads}")
        for name in ("action_channels", "latent_channels", "depth", "mlp_ratio", "patch", "window"):
            if getattr(self, name) < 1:
                raise WorldsimError(f"{name}={getattr(self, name)} must be at least 1")


class Block(nn.Module):
    """Attention and MLP, each scaled, shifted and gated per frame."""

    def __init__(self, config: DiTConfig):
        super().__init__()
        dim = config.dim
        self.heads = config.heads
        self.qkv = Linear(dim, 3 * dim, bias=False)
        self.out = Linear(dim, dim, bias=False)
        self.up = Linear(dim, config.mlp_ratio * dim)
        self.down = Linear(config.mlp_ratio * dim, dim)
        # What this block adds to the shared modulation: shift, scale, gate for attention and for the MLP.
        self.modulation = nn.Parameter(torch.randn(6, dim) * 0.02)

    def qkv_heads(self, x_BND: Tensor, cos: Tensor, sin: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        B, N, D = x_BND.shape
        qkv = self.qkv(x_BND).view(B, N, 3, self.heads, D // self.heads).permute(2, 0, 3, 1, 4)
        q, k = rotate(norm(qkv[:2]), cos, sin)
        return q, k, qkv[2]

    def forward(self, x_BFPD: Tensor, shared_BF6D: Tensor, attend) -> Tensor:
        """``attend`` maps normalised tokens (B, N, D) to attention output (B, N, D)."""
        B, F_, P, D = x_BFPD.shape
        modulation = (shared_BF6D + self.modulation.to(x_BFPD.dtype))[:, :, :, None]  # (B, F, 6, 1, D)
        shift1, scale1, gate1, shift2, scale2, gate2 = modulation.unbind(2)
        y = torch.addcmul(shift1, norm(x_BFPD), 1 + scale1)
        y = self.out(attend(y.view(B, F_ * P, D)))
        x_BFPD = torch.addcmul(x_BFPD, gate1, y.view(B, F_, P, D))
        y = torch.addcmul(shift2, norm(x_BFPD), 1 + scale2)
        return torch.addcmul(x_BFPD, gate2, self.down(F.gelu(self.up(y), approximate="tanh")))


@dataclass
class Output:
    """What the network says of each target frame."""

    latent: Tensor  # (B, T, C, h, w), the clean latent
    reward_logits: Tensor  # (B, T, bins)
    termination_logit: Tensor  # (B, T)


class DiT(nn.Module):
    """Predicts clean latents (x-prediction) as a change to the frame before."""

    def __init__(self, config: DiTConfig):
        super().__init__()
        self.config = config
        token = config.latent_channels * config.patch**2
        self.embed = Linear(2 * token, config.dim)  # the frame itself beside the frame before it
        self.kind = nn.Parameter(torch.zeros(2, config.dim))  # context, target
        self.conditioning = Conditioning(config.dim, config.action_channels)
        self.modulation = Linear(config.dim, 6 * config.dim)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.depth))
        self.final_modulation = Linear(config.dim, 2 * config.dim)
        self.unembed = Linear(config.dim, token)
        self.heads = Heads(config.dim, config.reward_bins)
        self._initialise()

    def _initialise(self) -> None:
        for module in self.modules():
            if isinstance(module, Linear):
                nn.init.normal_(module.weight, std=module.in_features**-0.5)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        # Gates and the output start at zero: the untrained network predicts "nothing changes".
        for zero in (self.modulation, self.final_modulation, self.unembed):
            nn.init.zeros_(zero.weight)
        with torch.no_grad():
            self.modulation.bias.view(6, -1)[[2, 5]] = 0.2

    # -- shared pieces --------------------------------------------------------------------------------------------

    def _patches(self, z_BTChw: Tensor) -> Tensor:
        B, T, C, h, w = z_BTChw.shape
        p = self.config.patch
        if h % p or w % p:
            raise WorldsimError(f"latents of {h}x{w} cannot be cut into {p}x{p} patches")
        z = z_BTChw.view(B, T, C, h // p, p, w // p, p).permute(0, 1, 3, 5, 2, 4, 6)
        return z.reshape(B, T, (h // p) * (w // p), C * p * p)

    def _unpatch(self, x_BTPK: Tensor, h: int, w: int) -> Tensor:
        B, T, _, _ = x_BTPK.shape
        p, C = self.config.patch, self.config.latent_channels
        x = x_BTPK.view(B, T, h // p, w // p, C, p, p).permute(0, 1, 4, 2, 5, 3, 6)
        return x.reshape(B, T, C, h, w)

    def _tokens(self, z_BTChw: Tensor, previous_BTChw: Tensor, kind: int) -> Tensor:
        pair = torch.cat((self._patches(z_BTChw), self._patches(previous_BTChw)), -1)
        return self.embed(pair) + self.kind[kind].to(pair.dtype)

    def _modulations(self, noise_BF: Tensor, action_BFA: Tensor, known_BF: Tensor, dtype: torch.dtype):
        c_BFD = F.silu(self.conditioning(noise_BF, action_BFA, known_BF, dtype))
        shared = self.modulation(c_BFD).unflatten(-1, (6, self.config.dim))
        return shared, self.final_modulation(c_BFD).unflatten(-1, (2, self.config.dim))

    def _finish(self, x_BTPD: Tensor, final_BT2D: Tensor, previous_BTChw: Tensor) -> Output:
        y = torch.addcmul(final_BT2D[:, :, 0, None], norm(x_BTPD), 1 + final_BT2D[:, :, 1, None])
        change = self._unpatch(self.unembed(y), *previous_BTChw.shape[-2:])
        reward_logits, termination_logit = self.heads(y.mean(2))
        return Output(previous_BTChw + change, reward_logits, termination_logit)

    # -- training: a whole clip in parallel -----------------------------------------------------------------------

    def forward(
        self,
        context_BTChw: Tensor,
        context_noise_BT: Tensor,
        target_BSChw: Tensor,
        target_noise_BS: Tensor,
        actions_BSA: Tensor,
    ) -> Output:
        """Predict targets 1..T-1 (S = T - 1) of a clip from its noised context frames 0..T-1.

        ``target_BSChw[:, s]`` is frame s + 1 at noise level ``target_noise_BS[:, s]``; ``actions_BSA[:, s]`` led to it.
        Target s + 1 never sees context s + 1 or later.
        """
        B, T, _, h, w = context_BTChw.shape
        S = T - 1
        dtype = context_BTChw.dtype
        before_BTChw = torch.cat((torch.zeros_like(context_BTChw[:, :1]), context_BTChw[:, :-1]), 1)
        previous_BSChw = context_BTChw[:, :-1]
        x_BFPD = torch.cat(
            (self._tokens(context_BTChw, before_BTChw, 0), self._tokens(target_BSChw, previous_BSChw, 1)), 1
        )
        action_BFA = torch.cat((torch.zeros_like(actions_BSA[:, :1]), actions_BSA, actions_BSA), 1)
        known_BF = torch.ones(B, T + S, device=x_BFPD.device)
        known_BF[:, 0] = 0
        noise_BF = torch.cat((context_noise_BT, target_noise_BS), 1)
        shared, final = self._modulations(noise_BF, action_BFA, known_BF, dtype)
        p = self.config.patch
        cos, sin = _clip_rope(T, h // p, w // p, self.config.dim // self.config.heads, dtype, x_BFPD.device)
        bias = clip_bias(T, self.config.window, (h // p) * (w // p), dtype, x_BFPD.device)
        x_BFPD = self._clip_trunk(x_BFPD, shared, cos, sin, bias)
        return self._finish(x_BFPD[:, T:], final[:, T:], previous_BSChw)

    def compile_trunk(self) -> None:
        """Compile the blocks for training clips of one size (needs a C++ compiler)."""
        self._clip_trunk = torch.compile(self._clip_trunk)  # type: ignore[method-assign]

    def _clip_trunk(self, x_BFPD: Tensor, shared_BF6D: Tensor, cos: Tensor, sin: Tensor, bias_NC: Tensor) -> Tensor:
        """All blocks over a whole clip; the part that training compiles."""
        tokens = x_BFPD.shape[2]
        for block in self.blocks:

            def attend(y_BND: Tensor, block=block) -> Tensor:
                q, k, v = block.qkv_heads(y_BND, cos, sin)
                return clip_attention(q, k, v, bias_NC, tokens).transpose(1, 2).reshape(y_BND.shape)

            x_BFPD = block(x_BFPD, shared_BF6D, attend)
        return x_BFPD

    # -- rollout: one frame at a time -----------------------------------------------------------------------------

    def stream(
        self,
        cache: RingCache,
        target_BChw: Tensor,
        target_noise_B: Tensor,
        target_action_BA: Tensor,
        previous_BChw: Tensor,
        time_B: Tensor,
        context: StreamContext | None,
    ) -> Output:
        """Denoise the frame at time ``time_B``; with ``context``, first write the frame before it to the cache.

        Both in one pass: within each layer the context frame's keys are written before the target attends, so this is
        the same arithmetic as ``forward`` and one network call a frame when one denoising step is taken.
        """
        z_BTChw = target_BChw[:, None]
        x_BFPD = self._tokens(z_BTChw, previous_BChw[:, None], 1)
        noise_BF, action_BFA = target_noise_B[:, None], target_action_BA[:, None]
        known_BF = torch.ones_like(noise_BF)
        view: FrameView
        if context is None:
            view = cache.same_frame()
        else:
            view = cache.begin_frame()
            x_BFPD = torch.cat((self._tokens(previous_BChw[:, None], context.before_BChw[:, None], 0), x_BFPD), 1)
            noise_BF = torch.cat((context.noise_B[:, None], noise_BF), 1)
            action_BFA = torch.cat((context.action_BA[:, None], action_BFA), 1)
            known_BF = torch.cat((context.action_known_B[:, None], known_BF), 1)
        shared, final = self._modulations(noise_BF, action_BFA, known_BF, x_BFPD.dtype)
        p = self.config.patch
        cos, sin = _stream_rope(
            time_B,
            noise_BF.shape[1],
            target_BChw.shape[-2] // p,
            target_BChw.shape[-1] // p,
            self.config.dim // self.config.heads,
            x_BFPD.dtype,
        )
        for layer, block in enumerate(self.blocks):

            def attend(y_BND: Tensor, layer=layer, block=block) -> Tensor:
                return _attend_cached(block, y_BND, cos, sin, view, layer, with_context=context is not None)

            x_BFPD = block(x_BFPD, shared, attend)
        return self._finish(x_BFPD[:, -1:], final[:, -1:], previous_BChw[:, None])

    def new_cache(self, slots: int, tokens_per_frame: int) -> RingCache:
        """An empty cache in the network's own precision."""
        weight = self.unembed.weight
        config = self.config
        return RingCache.empty(
            config.depth,
            slots,
            config.heads,
            config.dim // config.heads,
            config.window,
            tokens_per_frame,
            dtype=weight.dtype,
            device=weight.device,
        )


def load_dit(path: Path) -> DiT:
    """A network from its weights file, in float32; DamagedFileError when the file cannot be read."""
    header = read_header(path)
    if header["class"] != "DiT":
        raise DamagedFileError(f"{path} holds a {header['class']}, not a DiT.")
    model = DiT(DiTConfig(**header["config"]))
    load_weights(path, model)
    return model.eval()


@dataclass
class StreamContext:
    """The newest context frame as it enters the cache: already noised to ``noise_B``, and the frame before it."""

    before_BChw: Tensor  # zeros for the first frame of a stream
    noise_B: Tensor
    action_BA: Tensor
    action_known_B: Tensor


def _attend_cached(block: Block, y_BND: Tensor, cos, sin, view: FrameView, layer: int, with_context: bool) -> Tensor:
    tokens = view.cache.tokens_per_frame
    q, k, v = block.qkv_heads(y_BND, cos, sin)
    outputs = []
    if with_context:
        view.write_context(layer, k[:, :, :tokens], v[:, :, :tokens])
    view.write_target(layer, k[:, :, -tokens:], v[:, :, -tokens:])
    if with_context:
        keys, values, mask = view.context(layer)
        outputs.append(F.scaled_dot_product_attention(q[:, :, :tokens], keys, values, attn_mask=mask))
    keys, values, mask = view.window_and_self(layer)
    outputs.append(F.scaled_dot_product_attention(q[:, :, -tokens:], keys, values, attn_mask=mask))
    out = outputs[0] if len(outputs) == 1 else torch.cat(outputs, 2)
    return out.transpose(1, 2).reshape(y_BND.shape)


def _grid(height: int, width: int, device: torch.device) -> Tensor:
    y, x = torch.meshgrid(torch.arange(height, device=device), torch.arange(width, device=device), indexing="ij")
    return torch.stack((y.reshape(-1), x.reshape(-1)), -1)


@lru_cache(maxsize=16)
def _clip_rope(frames: int, height: int, width: int, head_dim: int, dtype: torch.dtype, device: torch.device):
    time_F = torch.cat((torch.arange(frames), torch.arange(1, frames))).to(device)
    grid_P2 = _grid(height, width, device)
    positions_N3 = torch.cat((time_F.repeat_interleave(len(grid_P2))[:, None], grid_P2.repeat(len(time_F), 1)), -1)
    return rope_table(positions_N3, head_dim, dtype)


def _stream_rope(time_B: Tensor, frames: int, height: int, width: int, head_dim: int, dtype: torch.dtype):
    """For each slot the frame at ``time_B`` and, with ``frames == 2``, the one before it: (B, 1, N, E / 2)."""
    grid_P2 = _grid(height, width, time_B.device)
    time_BF = time_B[:, None] + torch.arange(1 - frames, 1, device=time_B.device)
    time_BN = time_BF.repeat_interleave(len(grid_P2), 1)
    grid_BN2 = grid_P2.repeat(frames, 1).expand(len(time_B), -1, -1)
    cos, sin = rope_table(torch.cat((time_BN[..., None], grid_BN2), -1), head_dim, dtype)
    return cos[:, None], sin[:, None]
