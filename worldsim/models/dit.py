"""The diffusion transformer: noised latents, actions and text in, clean latents out.

Every frame is conditioned on its own noise level and on the action that led to it (diffusion forcing, Chen et al. 2024;
DiT, Peebles and Xie 2023, with one modulation network shared by all blocks as in PixArt-alpha). *Streaming* clips hold
two kinds of frames in one sequence: *context* frames, slightly noised, which see earlier context, and *target* frames
at any noise level, which see the context before them and themselves; a rollout runs the same arithmetic one frame at a
time on a ring cache (``stream``). In *joint* clips all frames see each other. Clips of any kinds and sizes are packed
into one sequence (``run``) under one rule of attention (:mod:`worldsim.models.attention`).

Legend: B batch, T frames, F frames of the sequence, P tokens a frame, N tokens, D width, H heads, E head width,
A action channels, C latent channels, h and w latent sides, L words, W text width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from worldsim.core.errors import DamagedFileError, WorldsimError
from worldsim.models.attention import CONTEXT, TARGET
from worldsim.models.block import ALL, Block, TextKeys, split_heads
from worldsim.models.cache import RingCache
from worldsim.models.checkpoint import load_weights, read_header
from worldsim.models.clips import Entry, FrameInputs, JointClips, StreamClips
from worldsim.models.config import DiTConfig, config_from_plain
from worldsim.models.heads import Heads
from worldsim.models.layers import Conditioning, Linear, norm
from worldsim.models.layout import Layout, Part, layout_of
from worldsim.models.mosaic import Mosaic
from worldsim.models.motion import Motion, Steps, displaced
from worldsim.models.prompts import ReadsPrompts
from worldsim.models.reference import Reference, reference_of
from worldsim.models.streaming import PrefillPass, StreamContext, StreamPass
from worldsim.models.text import make_text_encoder


@dataclass
class Output:
    """What the network says of each target frame, or of each frame of a joint clip."""

    latent: Tensor  # (B, T, C, h, w), the clean latent
    reward_logits: Tensor  # (B, T, bins)
    termination_logit: Tensor  # (B, T)
    steps: Steps | None = None  # of streaming clips: what was made of their actions


class DiT(ReadsPrompts):
    """Predicts clean latents (x-prediction) as a change to the frame before, or to the given frames around."""

    def __init__(self, config: DiTConfig):
        super().__init__()
        self.config = config
        token = config.latent_channels * config.patch**2
        self.embed = Linear(2 * token, config.dim)  # the frame itself beside its reference
        shape = config.action_channels, config.latent_channels, config.dim, config.patch
        self.motion = Motion(*shape, config.camera, config.hands, config.displaced) if config.motion else None
        self.kind = nn.Parameter(torch.zeros(3 if config.joint else 2, config.dim))  # context, target, joint
        self.conditioning = Conditioning(config.dim, config.action_channels, config.shortcut)
        self.modulation = Linear(config.dim, 6 * config.dim)
        self.text = None if config.text is None else make_text_encoder(config.text)
        self.text_summary = None if config.text is None else Linear(config.text.width, config.dim)
        text_width = None if config.text is None else config.text.width
        self.blocks = nn.ModuleList(
            Block(config.dim, config.heads, config.mlp_ratio, text_width if config.has_text(i) else None)
            for i in range(config.depth)
        )
        self.final_modulation = Linear(config.dim, 2 * config.dim)
        self.unembed = Linear(config.dim, token)
        self.heads = Heads(config.dim, config.reward_bins)
        self._initialise()

    def _initialise(self) -> None:
        for name, module in self.named_modules():
            if isinstance(module, Linear) and not name.startswith(("text.", "motion.")):
                nn.init.normal_(module.weight, std=module.in_features**-0.5)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        # Gates and the output start at zero: the untrained network predicts "nothing changes", whatever the text.
        zeros = [self.modulation, self.final_modulation, self.unembed]
        zeros += [layer.out for layer in self._text_layers().values()]
        zeros += [self.text_summary] if self.text_summary is not None else []
        for zero in zeros:
            nn.init.zeros_(zero.weight)
        with torch.no_grad():
            self.modulation.bias.view(6, -1)[[2, 5]] = 0.2

    @property
    def _blocks(self) -> list[Block]:
        return cast(list[Block], self.blocks)

    @property
    def dtype(self) -> torch.dtype:
        """Of the weights, which activations are best given in."""
        return self.unembed.weight.dtype

    # -- shared pieces --------------------------------------------------------------------------------------------

    def grid(self, height: int, width: int) -> tuple[int, int]:
        """Tokens down and across for latents of this size."""
        p = self.config.patch
        if height % p or width % p:
            raise WorldsimError(f"latents of {height}x{width} cannot be cut into {p}x{p} patches")
        return height // p, width // p

    def _patches(self, z_BTChw: Tensor) -> Tensor:
        B, T, C, h, w = z_BTChw.shape
        p = self.config.patch
        rows, columns = self.grid(h, w)
        z = z_BTChw.view(B, T, C, rows, p, columns, p).permute(0, 1, 3, 5, 2, 4, 6)
        return z.reshape(B, T, rows * columns, C * p * p)

    def _unpatch(self, x_BTPK: Tensor, h: int, w: int) -> Tensor:
        B, T, _, _ = x_BTPK.shape
        p = self.config.patch
        x = x_BTPK.view(B, T, h // p, w // p, -1, p, p).permute(0, 1, 4, 2, 5, 3, 6)
        return x.reshape(B, T, -1, h, w)

    def _tokens(self, z_BTChw: Tensor, reference: Reference, kind_BT: Tensor) -> Tensor:
        pair = torch.cat((self._patches(z_BTChw), self._patches(reference.before_BTChw)), -1)
        x_BTPD = self.embed(pair) + self.kind[kind_BT][:, :, None].to(pair.dtype)
        if self.motion is None:
            return x_BTPD
        assert reference.seen_BTChw is not None
        return x_BTPD + self.motion.embed(self._patches(reference.seen_BTChw.to(pair.dtype)))

    def _modulations(self, frames: FrameInputs, summary_FD: Tensor | None, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        c_FD = self.conditioning(frames.noise_F, frames.action_FA, frames.known_F, dtype, frames.step_F)
        if summary_FD is not None:
            c_FD = c_FD + summary_FD
        c_FD = F.silu(c_FD)
        shared_F6D = self.modulation(c_FD).unflatten(-1, (6, self.config.dim))
        return shared_F6D, self.final_modulation(c_FD).unflatten(-1, (2, self.config.dim))

    def _finish(self, x_BTPD: Tensor, final_BT2D: Tensor, reference: Reference) -> Output:
        before_BTChw, sides = reference.before_BTChw, reference.before_BTChw.shape[-2:]
        y = torch.addcmul(final_BT2D[:, :, 0, None], norm(x_BTPD), 1 + final_BT2D[:, :, 1, None])
        change = self._unpatch(self.unembed(y), *sides)
        shown_BTChw = before_BTChw
        if self.motion is not None:  # of each place as much as the network likes of what is known of it
            assert reference.seen_BTChw is not None
            share_BT2hw = self._unpatch(self.motion.share(y).sigmoid(), *sides)
            moved_BTChw, seen_BTChw = (x[:, :, :-1] for x in reference.seen_BTChw.to(change.dtype).chunk(2, 2))
            if self.motion.displacement is not None:
                moved_BTChw = displaced(moved_BTChw, self._unpatch(self.motion.displacement(y), *sides))
            shown_BTChw = torch.lerp(shown_BTChw.to(change.dtype), moved_BTChw, share_BT2hw[:, :, :1])
            shown_BTChw = torch.lerp(shown_BTChw, seen_BTChw, share_BT2hw[:, :, 1:])
        reward_logits, termination_logit = self.heads(y.mean(2))
        return Output(shown_BTChw + change, reward_logits, termination_logit, reference.steps)

    # -- whole clips in parallel ----------------------------------------------------------------------------------

    def forward(
        self,
        context_BTChw: Tensor,
        context_noise_BT: Tensor,
        target_BSChw: Tensor,
        target_noise_BS: Tensor,
        actions_BSA: Tensor,
    ) -> Output:
        """Predict targets 1..T-1 (S = T - 1) of streaming clips; see :class:`StreamClips`."""
        return self.run([StreamClips(context_BTChw, context_noise_BT, target_BSChw, target_noise_BS, actions_BSA)])[0]

    def joint(self, clips: JointClips) -> Output:
        """Predict all frames of joint clips at once."""
        return self.run([clips])[0]

    def run(self, clips: Sequence[StreamClips | JointClips]) -> list[Output]:
        """Predict clips of any kinds and sizes in one packed sequence, an output for each entry.

        Raises WorldsimError for joint clips where the network was not trained on them.
        """
        if not self.config.joint and any(isinstance(one, JointClips) for one in clips):
            raise WorldsimError("this network was trained frame by frame only; joint clips need one with joint=true.")
        entries = [one.entry() for one in clips]
        parts = tuple(
            Part(isinstance(one, JointClips), len(e.kind_BF), one.length, *self.grid(*e.frames_BFChw.shape[-2:]))
            for one, e in zip(clips, entries, strict=True)
        )
        references = [reference_of(e, self.motion, self.config.window) for e in entries]
        tokens = [self._tokens(e.frames_BFChw, r, e.kind_BF) for e, r in zip(entries, references, strict=True)]
        x_ND = torch.cat([x_BFPD.flatten(0, 2) for x_BFPD in tokens])
        keys = [self.text_keys(one.text, part.clips, x_ND.dtype) for one, part in zip(clips, parts, strict=True)]
        summaries = [
            key.summary_BD.repeat_interleave(part.sequence_frames, 0)
            for key, part in zip(keys, parts, strict=True) if key
        ]  # fmt: skip
        inputs = FrameInputs.joined([e.inputs for e in entries])
        shared_F6D, final_F2D = self._modulations(inputs, torch.cat(summaries) if summaries else None, x_ND.dtype)
        layout = self._layout(parts, entries, x_ND)
        kept_ND = x_ND if layout.keep_N is None else x_ND[layout.keep_N]
        out_ND = self._trunk(kept_ND, shared_F6D, layout, [key for key in keys if key is not None])
        if layout.keep_N is not None:  # dropped tokens are predicted as their reference
            out_ND = torch.zeros_like(x_ND).index_put((layout.keep_N,), out_ND)
        outputs = []
        for number, e in enumerate(entries):
            (a, b), (c, d) = layout.token_bounds[number], layout.frame_bounds[number]
            last = slice(e.kind_BF.shape[1] - e.predicted, None)
            x_BFPD = out_ND[a:b].view(tokens[number].shape)
            final_BF2D = final_F2D[c:d].unflatten(0, (parts[number].clips, -1))
            outputs.append(self._finish(x_BFPD[:, last], final_BF2D[:, last], references[number].frames(last)))
        return outputs

    def compile_trunk(self) -> None:
        """Compile the blocks for training clips of few sizes (needs a C++ compiler)."""
        self._trunk = torch.compile(self._trunk)  # type: ignore[method-assign]

    def _trunk(self, x_ND: Tensor, shared_F6D: Tensor, layout: Layout, keys: Sequence[TextKeys]) -> Tensor:
        """All blocks over a packed sequence; the part that training compiles."""
        x = layout.shaped(x_ND)
        rope = layout.cos, layout.sin
        for i, block in enumerate(self._blocks):
            words = [(*part.keys[i], part.bias_BL) for part in keys if i in part.keys]

            def attend(qkv: Tensor, heads=block.heads) -> Tensor:
                out_HNE = layout.attend(*split_heads(qkv, heads, rope))
                return out_HNE.transpose(0, 1).reshape(x_ND.shape).view(*qkv.shape[:-1], -1)

            def attend_text(q_HNE: Tensor, words=words) -> Tensor:
                return layout.attend_text(q_HNE, words)

            x = block(x, block.modulated(shared_F6D, layout.spread), attend, attend_text)
        return x.reshape(x_ND.shape)

    def _layout(self, parts: tuple[Part, ...], entries: Sequence[Entry], x_ND: Tensor) -> Layout:
        sizes = self.config.window, self.config.dim // self.config.heads, x_ND.dtype, x_ND.device
        if all(e.keep_BFP is None for e in entries):
            return layout_of(parts, *sizes, self.config.sinks)
        kept = [
            torch.ones(e.kind_BF.numel() * part.tokens_per_frame, dtype=torch.bool, device=x_ND.device)
            if e.keep_BFP is None else e.keep_BFP.flatten()
            for part, e in zip(parts, entries, strict=True)
        ]  # fmt: skip
        return Layout(parts, *sizes, torch.cat(kept), self.config.sinks)

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
        *,
        target_known_B: Tensor | None = None,
        text: TextKeys | None = None,
        step_size: float = 0.0,
    ) -> Output:
        """Denoise the frame at time ``time_B``; with ``context``, first write the frame before it to the cache.

        Both in one pass: within each layer the context frame's keys are written before the target attends, so this is
        the same arithmetic as ``forward`` and one network call a frame when one denoising step is taken. ``text`` is of
        each slot's prompt, or of one for all.
        """
        B = len(target_BChw)
        kinds, frames, before = [TARGET], [target_BChw], [previous_BChw]
        known_B = torch.ones_like(target_noise_B) if target_known_B is None else target_known_B
        inputs = [FrameInputs(target_noise_B, target_action_BA, known_B, torch.full_like(target_noise_B, step_size))]
        seen = [] if cache.mosaic is None else [cache.mosaic.seen_BChw]
        if context is None:
            view = cache.same_frame()
        else:
            if self.motion is not None and cache.mosaic is not None:
                clean_BChw = previous_BChw if context.clean_BChw is None else context.clean_BChw
                now = clean_BChw[:, None], target_action_BA[:, None], known_B[:, None]
                pose = cache.mosaic.pose
                steps = self.motion.along(pose, *now, read=not pose.settled)
                seen = [*seen, cache.mosaic.add(clean_BChw, cache.count_B, steps, context.own_B)]
            view = cache.begin_frame(context.recall_BM)
            kinds, frames, before = [CONTEXT, *kinds], [previous_BChw, *frames], [context.before_BChw, *before]
            no_step_B = torch.zeros_like(target_noise_B)
            inputs = [FrameInputs(context.noise_B, context.action_BA, context.action_known_B, no_step_B), *inputs]
        kind_FB = torch.tensor(kinds, device=target_noise_B.device)[:, None].expand(-1, B)
        joined = FrameInputs.joined(inputs)
        reference = Reference(torch.stack(before), torch.stack(seen) if seen else None)  # (F, B, C, h, w)
        x = self._tokens(torch.stack(frames), reference, kind_FB).flatten(0, 1)  # (F * B, P, D)
        summary = None if text is None else text.summary_BD.expand(B, -1).repeat(len(kinds), 1)
        shared_N6D, final_N2D = self._modulations(joined, summary, x.dtype)
        modulation_LN6D = shared_N6D + torch.stack([block.modulation for block in self._blocks])[:, None].to(x.dtype)
        modulation_LN6D[:, :, 1::3] += 1  # the scales
        call = StreamPass(view, time_B, *self.grid(*target_BChw.shape[-2:]))
        for layer, (block, modulation_N6D) in enumerate(zip(self._blocks, modulation_LN6D, strict=True)):
            last = layer == len(self.blocks) - 1

            def attend(qkv: Tensor, layer=layer, last=last) -> Tensor:
                return call.attend(layer, qkv, last)

            def attend_text(q_HNE: Tensor, layer=layer) -> Tensor:
                assert text is not None, "a network with text needs text_keys"
                return call.attend_text(q_HNE, text, layer)

            x = block(x, modulation_N6D[:, :, None].unbind(1), attend, attend_text, slice(-B, None) if last else ALL)
        return self._finish(x[:, None], final_N2D[-B:, None], reference.last())

    def prefill(
        self,
        cache: RingCache,
        context_BTChw: Tensor,
        noise_BT: Tensor,
        actions_BTA: Tensor,
        known_BT: Tensor,
        text: TextKeys | None = None,
        clean_BTChw: Tensor | None = None,
    ) -> None:
        """Write frames 0 to T - 1 of a stream to its empty cache in one pass, as ``stream`` does one after another.

        The frames are noised to ``noise_BT`` already, and were ``clean_BTChw`` before; ``actions_BTA[:, t]`` leads from
        frame t to frame t + 1.
        """
        assert cache.archive is None, "frames that leave the window are kept: stream them"
        B, T = noise_BT.shape
        before_BTChw = torch.cat((torch.zeros_like(context_BTChw[:, :1]), context_BTChw[:, :-1]), 1)
        kind_BT = torch.full((B, T), CONTEXT, device=noise_BT.device)
        led_BTA, led_known_BT = F.pad(actions_BTA[:, :-1], (0, 0, 1, 0)), F.pad(known_BT[:, :-1], (1, 0))
        inputs = FrameInputs(
            noise_BT.flatten(), led_BTA.flatten(0, 1), led_known_BT.flatten(), torch.zeros_like(noise_BT).flatten()
        )
        reference = Reference(before_BTChw, None)
        if self.motion is not None and cache.mosaic is not None:
            clean_BTChw = context_BTChw if clean_BTChw is None else clean_BTChw
            steps = self.motion.along(cache.mosaic.pose, clean_BTChw, actions_BTA, known_BT)
            seen_BTChw = cache.mosaic.fill(clean_BTChw, steps)
            reference.seen_BTChw = torch.cat((torch.zeros_like(seen_BTChw[:, :1]), seen_BTChw[:, :-1]), 1)
        x = self._tokens(context_BTChw, reference, kind_BT).flatten(0, 1)
        summary = None if text is None else text.summary_BD.expand(B, -1).repeat_interleave(T, 0)
        shared_F6D, _ = self._modulations(inputs, summary, x.dtype)
        call = PrefillPass(cache, T, *self.grid(*context_BTChw.shape[-2:]))
        for layer, block in enumerate(self._blocks):
            modulation = block.modulated(shared_F6D, lambda values_FD: values_FD[:, None])
            if layer == len(self.blocks) - 1:  # nobody asks what comes after its keys
                call.write(layer, block.qkv(torch.addcmul(modulation[0], norm(x), modulation[1])))
                break

            def attend(qkv: Tensor, layer=layer) -> Tensor:
                return call.attend(layer, qkv)

            def attend_text(q_HNE: Tensor, layer=layer) -> Tensor:
                assert text is not None, "a network with text needs text_keys"
                return call.attend_text(q_HNE, text, layer)

            x = block(x, modulation, attend, attend_text)
        cache.count_B = cache.count_B + T

    def new_cache(
        self, slots: int, height: int, width: int, recalled: int = 0, archived: int = 0, remembered: int = 0
    ) -> RingCache:
        """An empty cache for latents of a size, in the network's own precision.

        Mosaics are made of the last ``remembered`` frames, or of those of the window. Up to ``recalled`` frames beyond
        the window can be shown, out of the ``archived`` that left it last.
        """
        weight, config = self.unembed.weight, self.config
        rows, columns = self.grid(height, width)
        cache = RingCache.empty(
            config.depth, slots, config.heads, config.dim // config.heads, config.window, rows * columns,
            config.sinks, recalled, archived, dtype=weight.dtype, device=weight.device,
        )  # fmt: skip
        if self.motion is not None:
            size = slots, config.latent_channels, height, width
            cache.mosaic = Mosaic.empty(*size, remembered or config.window, config.window, weight.device)
        return cache


def load_dit(path: Path) -> DiT:
    """A network from its weights file, in float32; DamagedFileError when the file cannot be read."""
    header = read_header(path)
    if header["class"] != "DiT":
        raise DamagedFileError(f"{path} holds a {header['class']}, not a DiT.")
    model = DiT(config_from_plain(header["config"]))
    load_weights(path, model)
    return model.eval()
