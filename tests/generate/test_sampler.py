"""The sampler, on a network that answers what a test wants and remembers what it was asked."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from worldsim.core.errors import WorldsimError
from worldsim.diffusion.noise import frame_noise
from worldsim.generate.sampler import JointTask, SamplerConfig, sample, schedule

SHAPE = (2, 4, 4)  # of a latent


class Recorder:
    """Answers ``answer(clips, prompts)`` and keeps every call."""

    dtype = torch.float32

    def __init__(self, answer, text: bool = True, window: int = 3):
        self.answer, self.calls, self.prompts = answer, [], None
        self.text = object() if text else None
        self.config = SimpleNamespace(window=window)

    def read(self, prompts):
        self.prompts = list(prompts)
        return None

    def joint(self, clips):
        self.calls.append(clips)
        return SimpleNamespace(latent=self.answer(clips, self.prompts))


def task(levels, known=0.0, prompts=("",), seeds=(7,), loop=False, value=3.0) -> JointTask:
    level_BS = torch.tensor(levels, dtype=torch.float32)
    clean = torch.full((*level_BS.shape, *SHAPE), value)
    actions = torch.arange(level_BS.shape[1], dtype=torch.float32)[None, :, None].expand(*level_BS.shape, 1)
    return JointTask(clean, level_BS, actions, torch.full(level_BS.shape, known), prompts, seeds, loop)


def run(network, job, config=None, context_noise=0.1, on_step=lambda: None):
    return sample(network, job, config or SamplerConfig(steps=4, lag=0), context_noise, on_step)


def ones(clips, prompts):
    return torch.ones_like(clips.frames_BTChw)


def test_noise_is_a_function_of_seed_and_frame_alone():
    assert np.array_equal(frame_noise(5, 3, (2, 4)), frame_noise(5, 3, (2, 4)))
    far = [frame_noise(*key, (4096,)) for key in ((5, 3), (5, 4), (6, 3), (-5, 3))]
    for i, one in enumerate(far):
        assert abs(one.mean()) < 0.06 and abs(one.std() - 1) < 0.05
        for other in far[:i]:
            both = np.correlate(one, other, "full") / len(one)  # at every shift: streams must not overlap
            assert np.abs(both).max() < 0.1


def test_given_frames_are_truly_noised_to_their_label_and_come_back_clean():
    network = Recorder(ones)
    out = run(network, task([[0, 1, 0, 1]]), context_noise=0.2)
    for call in network.calls:
        assert call.noise_BT[0, [0, 2]].tolist() == pytest.approx([0.2, 0.2])
        assert call.given_BT[0].tolist() == [True, False, True, False]
        noise = (call.frames_BTChw[0, 0] - 0.8 * 3.0) / 0.2
        expected = torch.from_numpy(frame_noise(7, 0, (2, *SHAPE))[1])
        assert torch.allclose(noise, expected, atol=1e-5)
    assert torch.equal(out[0, [0, 2]], torch.full((2, *SHAPE), 3.0))
    assert torch.allclose(out[0, [1, 3]], torch.ones(2, *SHAPE), atol=1e-5)


def test_levels_go_down_from_each_frames_own_start_and_the_sample_agrees_with_them():
    network = Recorder(ones)
    steps = []
    run(network, task([[1, 0.5, 1]], value=1.0), on_step=lambda: steps.append(1))
    levels = [call.noise_BT[0].tolist() for call in network.calls]
    assert np.allclose(levels, [[1, 0.5, 1], [0.75, 0.375, 0.75], [0.5, 0.25, 0.5], [0.25, 0.125, 0.25]])
    assert len(steps) == 4
    for call in network.calls:  # where the clean latent is known to be 1, the rest is the level times the noise
        for t, level in enumerate(call.noise_BT[0].tolist()):
            noise = torch.from_numpy(frame_noise(7, t, (2, *SHAPE))[0])
            assert torch.allclose(call.frames_BTChw[0, t], (1 - level) + level * noise, atol=1e-5)


def test_of_long_given_clips_only_what_is_near_is_shown_and_all_comes_back():
    network = Recorder(ones, window=3)
    job = task([[0] * 20 + [1, 1] + [0] * 9])
    job.latents_BSChw += torch.arange(31.0).view(1, -1, 1, 1, 1)
    out = run(network, job)
    assert all(call.frames_BTChw.shape[1] == 6 + 2 + 6 for call in network.calls)
    assert network.calls[0].actions_BSA[0, :, 0].tolist() == list(range(15, 28))
    made = torch.from_numpy(frame_noise(7, 20, (2, *SHAPE))[0])  # noise goes by the number of the frame
    assert torch.allclose(network.calls[0].frames_BTChw[0, 6], made)
    kept = [t for t in range(31) if t not in (20, 21)]
    assert torch.equal(out[0, kept], job.latents_BSChw[0, kept])
    assert torch.allclose(out[0, 20:22], torch.ones(2, *SHAPE), atol=1e-5)


@pytest.mark.parametrize(
    ("given", "order"),
    [
        ([1, 1, 1], [[0], [1], [2]]),  # of nothing: a picture, and then on from it
        ([0, 1, 1, 1], [[1], [2], [3]]),
        ([1, 1, 0], [[1], [0]]),  # backwards
        ([0, 1, 1, 1, 0], [[1, 3], [2]]),  # from both ends to the middle
    ],
)
def test_with_a_lag_of_one_frames_follow_those_that_are_done(given, order):
    network = Recorder(ones)
    out = run(network, task([given], value=1.0), SamplerConfig(steps=2, lag=1), context_noise=0.2)
    assert torch.allclose(out, torch.ones_like(out), atol=1e-5)
    assert len(network.calls) == 2 * len(order)
    done = {t for t, level in enumerate(given) if level == 0}
    for turn, frames in enumerate(order):
        for call, level in zip(network.calls[2 * turn :], (1.0, 0.5), strict=False):
            shown = range(len(given)) if done else frames
            expected = [0.2 if t in done else level if t in frames else 1.0 for t in shown]
            assert call.noise_BT[0].tolist() == pytest.approx(expected)
            assert call.given_BT[0].tolist() == [t in done for t in shown]
            for t in done:  # really noised to what it is labelled with
                noise = torch.from_numpy(frame_noise(7, t, (2, *SHAPE))[1])
                assert torch.allclose(call.frames_BTChw[0, t], 0.8 + 0.2 * noise, atol=1e-5)
        done |= set(frames)


def test_a_loop_without_a_given_frame_closes_where_it_is_furthest_from_its_first():
    config = SamplerConfig(steps=2, lag=0.5)
    levels = torch.stack(schedule(config, torch.ones(1, 6), loop=True))[:, 0]
    begins = (levels < 1).int().argmax(0)
    assert begins.tolist() == [1, 2, 3, 4, 3, 2]
    assert (levels[-1] == 0).all()


def test_a_plan_gives_the_same_alone_and_in_a_batch():
    smooth = lambda clips, prompts: clips.frames_BTChw * 0.5  # noqa: E731
    alone = run(Recorder(smooth), task([[1, 1]], seeds=(4,)))
    both = run(Recorder(smooth), task([[1, 1], [1, 1]], prompts=("", ""), seeds=(9, 4)))
    assert torch.equal(alone[0], both[1])
    assert not torch.equal(both[0], both[1])


def test_guidance_by_text_leads_away_from_the_negative_prompt():
    def answer(clips, prompts):
        value = torch.tensor([{"red": 2.0, "dull": 1.0}[prompt] for prompt in prompts])
        return value.view(-1, 1, 1, 1, 1).expand_as(clips.frames_BTChw).clone()

    network = Recorder(answer)
    out = run(network, task([[1, 1]], prompts=("red",)), SamplerConfig(steps=2, lag=0, guidance=3.0, negative="dull"))
    assert network.prompts == ["dull", "red"]
    assert torch.allclose(out, torch.full_like(out, 1 + 3 * (2 - 1)), atol=1e-5)
    plain = Recorder(lambda clips, prompts: ones(clips, prompts))
    run(plain, task([[1, 1]], prompts=("red",)), SamplerConfig(steps=2, lag=0))
    assert len(plain.calls[0].frames_BTChw) == 1  # no guidance, no second branch


def test_guidance_by_actions_compares_with_unknown_ones_and_adds_to_that_by_text():
    def answer(clips, prompts):
        value = 1 + 10 * clips.action_known_BS[:, 0] + torch.tensor([100.0 * (p == "red") for p in prompts])
        return value.view(-1, 1, 1, 1, 1).expand_as(clips.frames_BTChw).clone()

    network = Recorder(answer)
    out = run(network, task([[1, 1]], known=1.0), SamplerConfig(steps=1, lag=0, action_guidance=2.0))
    assert torch.allclose(out, torch.full_like(out, 1 + 2 * 10.0))
    out = run(network, task([[1, 1]], 1.0, ("red",)), SamplerConfig(steps=1, lag=0, guidance=3.0, action_guidance=2.0))
    assert torch.allclose(out, torch.full_like(out, 1 + 2 * 10 + 3 * 100.0))
    out = run(network, task([[1, 1]], 0.0), SamplerConfig(steps=1, lag=0, action_guidance=2.0))  # nothing to compare
    assert torch.allclose(out, torch.ones_like(out))


def test_a_loop_is_seen_as_its_own_endless_repetition():
    network = Recorder(lambda clips, prompts: clips.frames_BTChw, window=3)
    job = task([[0, 1, 1, 1]], known=1.0, loop=True)
    out = run(network, job)
    assert out.shape[1] == 4
    for call in network.calls:
        frames = call.frames_BTChw[0]
        assert len(frames) == 4 + 2 * 3
        assert all(torch.equal(frames[i], frames[i + 4]) for i in range(6))
        assert call.given_BT[0].tolist() == [False, False, False, True, False, False, False, True, False, False]
        # The action that led to a frame goes with it, the last action leading to the first frame.
        assert call.actions_BSA[0, :, 0].tolist() == [2, 3, 0, 1, 2, 3, 0, 1, 2]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"steps": 0}, "steps=0 has to be from 1 to 64"),
        ({"steps": 65}, "steps=65"),
        ({"lag": 1.5}, "lag=1.5 has to be from 0"),
        ({"guidance": -1}, "guidance=-1"),
        ({"action_guidance": float("nan")}, "action_guidance=nan"),
        ({"negative": "fog"}, "needs guidance= above 1"),
    ],
)
def test_bad_settings(settings, message):
    with pytest.raises(WorldsimError, match=message):
        SamplerConfig(**settings)
