"""The generator on a stand-in checkpoint: from plans to frames, what it refuses, batches, streams."""

from types import SimpleNamespace

import numpy as np
import pytest
from stand_in import SIZE, picture, write_checkpoint

from worldsim.core.errors import WorldsimError
from worldsim.generate.generator import latent_levels, load_generator
from worldsim.generate.plan import VideoPlan
from worldsim.generate.sampler import SamplerConfig
from worldsim.generate.tasks import TASKS, Clip, Request, join

RED, BLUE = Clip(picture(200, 20, 20)), Clip(picture(20, 20, 200))


def make(generator, plan, seed=1, prompt="") -> np.ndarray:
    return generator.generate([plan], [prompt], [seed])[0]


def test_given_frames_are_kept_and_what_is_between_them_depends_on_both(generator):
    video = make(generator, join(RED, 3, BLUE, size=SIZE))
    assert video.shape == (5, *SIZE, 3)
    assert video.dtype == np.uint8
    assert np.abs(video[0].astype(int) - RED.frames[0]).max() <= 1
    assert np.abs(video[-1].astype(int) - BLUE.frames[0]).max() <= 1
    red = video[..., 0].mean((1, 2))
    assert (np.diff(red) < 0).all()  # the untrained network fades from one to the other


def test_the_seed_decides_and_the_batch_does_not(generator):
    plan = join(RED, 4, size=SIZE)
    video = make(generator, plan, seed=3)
    assert np.array_equal(video, make(generator, plan, seed=3))
    assert not np.array_equal(video, make(generator, plan, seed=4))
    other = join(6, size=(16, 16))
    together = generator.generate([plan, other, plan], ["", "", ""], [9, 9, 3])
    assert together[1].shape == (6, 16, 16, 3)
    assert np.abs(together[2].astype(int) - video).max() <= 1
    assert not np.array_equal(together[0], video)


@pytest.mark.parametrize("size", [(16, 16), (48, 16), (32, 64)])
@pytest.mark.parametrize("frames", [1, 12])
def test_one_checkpoint_makes_many_sizes_and_lengths(generator, size, frames):
    assert make(generator, join(frames, size=size)).shape == (frames, *size, 3)


def test_an_edit_keeps_more_of_the_video_the_lower_its_strength(generator, monkeypatch):
    # A network that takes what it sees for the clean video shows what it was given to see.
    monkeypatch.setattr(generator.dit, "joint", lambda clips: SimpleNamespace(latent=clips.frames_BTChw))
    rng = np.random.default_rng(0)
    source = rng.integers(0, 255, (3, *SIZE, 3), dtype=np.uint8)
    likeness = []
    for strength in (0.0, 0.3, 0.9):
        plan = TASKS["edit"].plan(Request(0, SIZE, strength=strength, video=Clip(source)))
        likeness.append(np.corrcoef(make(generator, plan).ravel(), source.ravel())[0, 1])
    assert likeness[0] > 0.999
    assert likeness[0] > likeness[1] > likeness[2]


def test_progress_counts_steps_of_clips_and_frames_of_streams(generator):
    told = []
    plans = [join(3, size=SIZE), join(3, size=SIZE), join(RED, 5, size=SIZE, causal=True)]
    generator.generate(plans, [""] * 3, [1, 2, 3], lambda done, total: told.append((done, total)))
    calls = 2 * 3  # two steps for each frame, one frame after the other
    assert told == [(i, calls + 5) for i in range(1, calls + 6)]


def test_latents_of_several_frames_are_given_when_all_of_them_are():
    levels = latent_levels(np.array([[0, 0, 0, 0, 1, 1, 1], [0, 0, 1, 1, 1, 0, 0]], np.float32), 2)
    assert levels.tolist() == [[0, 0, 1, 1], [0, 1, 1, 0]]


# -- frame by frame ---------------------------------------------------------------------------------------------------


def test_frame_by_frame_goes_on_from_what_is_given(generator):
    plan = join(Clip(np.repeat(RED.frames, 2, 0)), 4, size=SIZE, causal=True)
    video = make(generator, plan)
    assert video.shape == (6, *SIZE, 3)
    assert np.abs(video[:2].astype(int) - RED.frames[0]).max() <= 1
    # The untrained network predicts the frame before, a tenth of it noise: red stays red, and fades.
    red = video[1:, ..., 0].mean((1, 2)) - video[1:, ..., 2].mean((1, 2))
    assert (np.diff(red) < 0).all()
    assert red[-1] > 0.5 * red[0]


def test_frame_by_frame_without_a_given_frame_begins_with_a_clip_made_at_once(generator):
    window = generator.dit.config.window
    plan = join(window + 3, size=SIZE, causal=True)
    video = make(generator, plan, seed=5)
    first = make(generator, join(window, size=SIZE), seed=5)
    assert np.array_equal(video[:window], first)
    assert len(video) == window + 3


def test_actions_reach_the_simulator_in_their_place(generator, monkeypatch):
    seen = []

    simulator = generator.simulator
    reset, step = simulator.reset, simulator.step

    def spied_reset(contexts, prompts, seeds):
        seen.append((contexts[0].actions.tolist(), list(prompts), list(seeds)))
        return reset(contexts, prompts, seeds)

    def spied_step(state, actions):
        seen.append(actions[0].tolist())
        return step(state, actions)

    monkeypatch.setattr(simulator, "reset", spied_reset)
    monkeypatch.setattr(simulator, "step", spied_step)
    start = Clip(np.repeat(RED.frames, 3, 0), np.array([[1, 0], [0, 5]], np.float32))
    plan = join(start, 2, size=SIZE, causal=True).with_actions(np.array([[0, 6], [0, 7]]))
    make(generator, plan, seed=4, prompt="a tower")
    assert seen == [([[1, 0], [0, 5]], ["a tower"], [4]), [0, 6], [0, 7]]


def test_a_long_stream_keeps_its_memory_and_draws_new_noise_every_frame(generator, monkeypatch):
    plan = join(RED, 60, size=SIZE, causal=True)
    sizes = []
    step = generator.simulator.step

    def measured_step(state, actions):
        new, prediction = step(state, actions)
        sizes.append(sum(tensor.numel() for tensor in _tensors(new)))
        return new, prediction

    monkeypatch.setattr(generator.simulator, "step", measured_step)
    made = [frame[0].copy() for frame in generator.stream([plan], [RED.frames], [""], [1])]
    assert len(made) == len(sizes) == 60
    assert len(set(sizes)) == 1
    assert len({frame.tobytes() for frame in made}) == 60


def _tensors(value):
    import torch

    if isinstance(value, torch.Tensor):
        return [value]
    if isinstance(value, (list, tuple)):
        return [tensor for part in value for tensor in _tensors(part)]
    return [tensor for part in vars(value).values() for tensor in _tensors(part)] if hasattr(value, "__dict__") else []


# -- what is refused --------------------------------------------------------------------------------------------------


def test_a_size_that_cannot_be_cut_names_the_nearest(generator):
    with pytest.raises(WorldsimError, match=r"multiples of 16; the nearest size is 64x48, so give height=64 width=48"):
        make(generator, join(2, size=(60, 50)))


def test_a_prompt_that_is_too_long_is_refused_before_anything_is_made(generator):
    told = []
    with pytest.raises(WorldsimError, match="reads 6"):
        generator.generate([join(2, size=SIZE)], ["a red tower at night and day"], [1], lambda *a: told.append(a))
    assert not told


def test_actions_of_another_game_are_refused(generator):
    plan = join(3, size=SIZE).with_actions(np.zeros(5))
    with pytest.raises(WorldsimError, match=r"5 channels; .* knows 2: forward, camera_yaw_right_deg"):
        make(generator, plan)


def test_a_checkpoint_without_text_or_joint_clips_says_what_it_cannot(tmp_path):
    plain = load_generator(
        write_checkpoint(tmp_path / "plain", text=None, joint=False), SamplerConfig(), precision="float32"
    )
    with pytest.raises(WorldsimError, match="plain was trained without text, so it cannot follow a prompt; "):
        make(plain, join(RED, 2, size=SIZE, causal=True), prompt="a tower")
    with pytest.raises(
        WorldsimError, match="plain was trained frame by frame only: it cannot make a whole clip at once"
    ):
        make(plain, join(RED, 2, size=SIZE))
    with pytest.raises(WorldsimError, match=r"it cannot make a video from nothing, .* causal=true; "):
        make(plain, join(4, size=SIZE, causal=True))
    plan = join(RED, 2, size=SIZE, causal=True).with_actions(np.zeros(2))
    assert make(plain, plan).shape == (3, *SIZE, 3)


def test_plans_are_plain_data_that_anybody_can_write(generator):
    """Not only the tasks: any choice of given frames, such as every second one."""
    levels = np.array([0, 1, 0, 1, 0], np.float32)
    frames = np.concatenate([RED.frames, RED.frames, BLUE.frames, BLUE.frames, RED.frames])
    video = make(generator, VideoPlan(levels, frames))
    assert np.abs(video[::2].astype(int) - frames[::2]).max() <= 1
