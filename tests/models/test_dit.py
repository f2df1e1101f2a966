"""The transformer: streaming equals the whole clip, frames see what they should, context noise is real."""

import dataclasses

import pytest
import torch

from worldsim.core.errors import WorldsimError
from worldsim.diffusion.flow import add_noise
from worldsim.models.clips import StreamClips
from worldsim.models.dit import DiT, DiTConfig, config_from_plain
from worldsim.models.flops import training_flops
from worldsim.models.layout import Part
from worldsim.models.streaming import StreamContext

CONFIG = DiTConfig(action_channels=5, latent_channels=4, dim=64, depth=3, heads=2, window=4)
FRAMES, SIDE = 11, 4  # longer than twice the window


BODIES = {"motion": True, "displaced": True}
KINDS = {"plain": {}, "2 sinks": {"sinks": 2}, "motion": {"motion": True}, "bodies": BODIES}


@pytest.fixture(scope="module", params=KINDS.values(), ids=KINDS)
def model(request) -> DiT:
    return randomised(dataclasses.replace(CONFIG, **request.param))


def randomised(config: DiTConfig) -> DiT:
    torch.manual_seed(0)
    model = DiT(config)
    with torch.no_grad():  # an untrained network predicts "no change": give what starts at zero random weights
        for parameter in model.parameters():
            if not parameter.any():
                parameter.normal_(std=0.1)
    return model.eval()


@pytest.fixture(scope="module")
def clip():
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(2, FRAMES, 4, SIDE, SIDE, generator=generator)
    return {
        "context": x,
        "clean": 0.8 * x,
        "context_noise": torch.rand(2, FRAMES, generator=generator) * 0.3,
        "target": torch.randn(2, FRAMES - 1, 4, SIDE, SIDE, generator=generator),
        "target_noise": torch.rand(2, FRAMES - 1, generator=generator),
        "actions": torch.randn(2, FRAMES - 1, 5, generator=generator),
    }


def whole_clip(model, clip):
    with torch.no_grad():
        parts = (clip[name] for name in ("context", "context_noise", "target", "target_noise", "actions"))
        return model.run([StreamClips(*parts, clean_BTChw=clip["clean"])])[0]


def stream(model, clip, extra_steps: int = 0):
    """The same frames one at a time on the ring cache; ``extra_steps`` repeats each denoising call."""
    batch = len(clip["context"])
    cache = model.new_cache(batch, SIDE, SIDE)
    latents, rewards = [], []
    zeros = torch.zeros_like(clip["context"][:, 0])
    with torch.no_grad():
        for t in range(1, FRAMES):
            first = t == 1
            context = StreamContext(
                zeros if first else clip["context"][:, t - 2],
                clip["context_noise"][:, t - 1],
                torch.zeros(batch, 5) if first else clip["actions"][:, t - 2],
                torch.full((batch,), 0.0 if first else 1.0),
                clean_BChw=clip["clean"][:, t - 1],
            )
            for repeat in range(1 + extra_steps):
                output = model.stream(
                    cache,
                    clip["target"][:, t - 1],
                    clip["target_noise"][:, t - 1],
                    clip["actions"][:, t - 1],
                    clip["context"][:, t - 1],
                    torch.full((batch,), t),
                    context if repeat == 0 else None,
                )
            latents.append(output.latent[:, 0])
            rewards.append(output.reward_logits[:, 0])
    return torch.stack(latents, 1), torch.stack(rewards, 1), cache


def test_streaming_equals_recomputing_the_window(model, clip):
    whole = whole_clip(model, clip)
    latents, rewards, _ = stream(model, clip)
    assert (latents - whole.latent).abs().max() < 1e-4
    assert (rewards - whole.reward_logits).abs().max() < 1e-4
    assert whole.latent.std() > 0.1  # the comparison is not between zeros


def test_further_denoising_steps_do_not_disturb_the_cache(model, clip):
    once, _, _ = stream(model, clip)
    thrice, _, _ = stream(model, clip, extra_steps=2)
    assert (once - thrice).abs().max() < 1e-5


def test_cache_does_not_grow(model, clip):
    _, _, cache = stream(model, clip)
    assert cache.keys_LBHNE.shape[3] == (model.config.sinks + CONFIG.window + 1) * (SIDE // 2) ** 2
    if cache.archive is not None:
        assert cache.archive.keys_LBHNE.shape[3] == model.config.sinks * (SIDE // 2) ** 2
    assert cache.count_B.tolist() == [FRAMES - 1, FRAMES - 1]


def test_action_t_leads_to_frame_t_plus_1(model, clip):
    """Changing the action into frame 5 changes targets from frame 5 on and nothing before; fails if shifted by one."""
    before = whole_clip(model, clip).latent
    changed = {**clip, "actions": clip["actions"].clone()}
    changed["actions"][:, 4] += 1.0  # leads from frame 4 to frame 5, which is target number 4
    difference = (whole_clip(model, changed).latent - before).abs().amax((0, 2, 3, 4))
    assert (difference[:4] == 0).all()
    assert difference[4] > 1e-3


def test_a_target_never_sees_its_own_or_later_frames(model, clip):
    before = whole_clip(model, clip).latent
    changed = {**clip, **{name: clip[name].clone() for name in ("context", "clean")}}
    for name in ("context", "clean"):
        changed[name][:, 5:] += 1.0
    difference = (whole_clip(model, changed).latent - before).abs().amax((0, 2, 3, 4))
    assert (difference[:5] == 0).all()  # targets 1..5 (numbers 0..4) see context 0..4 only
    assert difference[5] > 1e-3


def test_the_window_bounds_what_one_layer_sees(clip):
    torch.manual_seed(0)
    shallow = DiT(dataclasses.replace(CONFIG, depth=1))
    torch.nn.init.normal_(shallow.unembed.weight, std=0.1)
    before = whole_clip(shallow, clip).latent
    changed = {**clip, "context": clip["context"].clone()}
    changed["context"][:, 0] += 1.0
    difference = (whole_clip(shallow, changed).latent - before).abs().amax((0, 2, 3, 4))
    # Target t sees the W frames before it; frame 0 is also "the frame before" that frame 1's token carries.
    assert difference[CONFIG.window - 1] > 1e-4
    assert (difference[CONFIG.window + 1 :] == 0).all()


def test_sinks_are_seen_for_ever_and_other_frames_are_not(clip):
    """One layer: target t sees frames 0 and 1 whatever t is, and frame 2 up to the window after it."""
    shallow = randomised(dataclasses.replace(CONFIG, depth=1, sinks=2))
    before = whole_clip(shallow, clip).latent
    for frame, last in ((0, FRAMES), (1, FRAMES), (2, 2 + CONFIG.window)):
        changed = {**clip, "context": clip["context"].clone()}
        changed["context"][:, frame] += 1.0
        difference = (whole_clip(shallow, changed).latent - before).abs().amax((0, 2, 3, 4))
        seen = difference > 1e-4
        # The frame after it is shown beside it, so what sees that one sees a little of this one.
        assert seen.tolist() == [frame < t <= last or t == frame + CONFIG.window + 1 for t in range(1, FRAMES)]


def test_dropping_no_token_changes_nothing_of_sinks(model, clip):
    everything = StreamClips(
        clip["context"], clip["context_noise"], clip["target"], clip["target_noise"], clip["actions"],
        keep_BSP=torch.ones(2, FRAMES - 1, (SIDE // 2) ** 2, dtype=torch.bool),
        clean_BTChw=clip["clean"],
    )  # fmt: skip
    with torch.no_grad():
        assert (model.run([everything])[0].latent - whole_clip(model, clip).latent).abs().max() < 1e-5


def test_weights_from_before_sinks_have_none():
    plain = dataclasses.asdict(CONFIG)
    del plain["sinks"]
    assert config_from_plain(plain) == CONFIG


def test_context_noise_is_real_and_its_label_matters(model, clip):
    """Two different things: noising the context changes the prediction, and so does only relabelling it."""
    level = torch.full((2, FRAMES), 0.3)
    noise = torch.randn(clip["context"].shape, generator=torch.Generator().manual_seed(2))
    noised = {**clip, "context": add_noise(clip["context"], noise, level), "context_noise": level}
    relabelled = {**clip, "context_noise": level}
    clean = {**clip, "context_noise": torch.zeros(2, FRAMES)}
    out_noised, out_relabelled, out_clean = (whole_clip(model, c).latent for c in (noised, relabelled, clean))
    assert (out_noised - out_relabelled).abs().max() > 1e-2
    assert (out_relabelled - out_clean).abs().max() > 1e-3


@pytest.mark.parametrize("kind", KINDS)
def test_untrained_network_predicts_no_change(kind):
    torch.manual_seed(0)
    model = DiT(dataclasses.replace(CONFIG, **KINDS[kind]))
    x = torch.randn(1, 3, 4, SIDE, SIDE)
    output = model(x, torch.zeros(1, 3), torch.randn(1, 2, 4, SIDE, SIDE), torch.ones(1, 2), torch.ones(1, 2, 5))
    assert torch.equal(output.latent, x[:, :-1])


@pytest.mark.parametrize("change", [{}, {"sinks": 2}, {"motion": True}])
def test_flops_from_shapes_agree_with_the_profiler(change):
    from torch.utils.flop_counter import FlopCounterMode

    config = dataclasses.replace(CONFIG, **change)
    model = DiT(config)
    x = torch.randn(1, FRAMES, 4, SIDE, SIDE)
    levels = torch.rand(1, FRAMES)
    with FlopCounterMode(display=False) as counter, torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
        output = model(x, levels, x[:, 1:], levels[:, 1:], torch.randn(1, FRAMES - 1, 5))
        (output.latent.sum() + output.reward_logits.sum() + output.termination_logit.sum()).backward()
    counted = training_flops(config, Part(False, 1, FRAMES, SIDE // 2, SIDE // 2))
    assert counter.get_total_flops() == pytest.approx(counted, rel=0.03)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"heads": 3}, "heads=3"), ({"window": 0}, "window=0"), ({"depth": 0}, "depth=0"), ({"sinks": -1}, "sinks=-1"),
        ({"displaced": True}, "displaced=true .* motion=true"),
    ],
)  # fmt: skip
def test_bad_configuration_names_the_value(change, message):
    with pytest.raises(WorldsimError, match=message):
        dataclasses.replace(CONFIG, **change)


def test_latents_that_cannot_be_patched_are_refused(model):
    x = torch.randn(1, 2, 4, 3, 4)
    with pytest.raises(WorldsimError, match="3x4"):
        model(x, torch.zeros(1, 2), x[:, 1:], torch.ones(1, 1), torch.zeros(1, 1, 5))
