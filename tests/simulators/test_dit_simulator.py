"""The dit simulator on the shipped checkpoints: seeds, slots, branches, context noise, constant memory."""

import shutil

import numpy as np
import pytest
import torch

from worldsim.core.errors import DamagedFileError, UnknownNameError, WorldsimError
from worldsim.core.protocols import Describes, Reconstructs, ResetsSlots, Simulator
from worldsim.core.types import Context
from worldsim.simulators import load
from worldsim.simulators.checkpoints import find_checkpoint, shipped_names

NAMES = shipped_names()


@pytest.fixture(scope="module", params=NAMES)
def simulator(request):
    return load(request.param, precision="float32")


@pytest.fixture(scope="module")
def context(simulator) -> Context:
    return real_context(simulator, frames=5, seed=11)


def real_context(simulator, frames: int, seed: int) -> Context:
    """The first frames of the real game under the policy that presses forward and turns, or pushes."""
    import gymnasium

    about = simulator.describe()
    env = gymnasium.make(about["env_ids"][0], **about["env_kwargs"])
    codec = simulator.codec
    obs, _ = env.reset(seed=seed)
    seen, actions = [obs], []
    for _ in range(frames - 1):
        pushed = "push_x" in codec.names
        action = turn(simulator, 4, 1)[0] if pushed else codec.vector(forward=1, camera_yaw_right_deg=5)
        seen.append(env.step(codec.decode(action))[0])
        actions.append(action)
    env.close()
    return Context(np.stack(seen), np.array(actions, np.float32).reshape(frames - 1, len(codec)))


def dream(simulator, state, actions):
    frames = []
    for action in actions:
        state, prediction = simulator.step(state, np.atleast_2d(action))
        frames.append(prediction.frames)
    return state, np.stack(frames, 1)  # (B, H, h, w, 3)


def turn(simulator, yaw_right_deg: float, steps: int) -> np.ndarray:
    """Where there is no camera to turn, a body is pushed, as much harder the further it would be turned."""
    if "push_x" in simulator.codec.names:
        push = {"push_x": np.sign(yaw_right_deg), "push_strength": abs(yaw_right_deg) / 8}
        return np.stack([simulator.codec.vector(**push)] * steps)
    return np.stack([simulator.codec.vector(camera_yaw_right_deg=yaw_right_deg)] * steps)


def test_protocols(simulator):
    for protocol in (Simulator, ResetsSlots, Reconstructs, Describes):
        assert isinstance(simulator, protocol)


def test_the_same_seed_gives_the_same_bits_and_another_does_not(simulator, context):
    runs = []
    for seed in (3, 3, 4):
        state = simulator.reset([context], [""], [seed])
        runs.append(dream(simulator, state, turn(simulator, 6, 4))[1])
    assert np.array_equal(runs[0], runs[1])
    assert not np.array_equal(runs[0], runs[2])


@pytest.mark.parametrize("frames", [1, 2, 5, 14])
def test_a_context_read_at_once_is_one_read_frame_by_frame(simulator, frames):
    """Also one longer than the window; whoever listens reads frame by frame."""
    contexts = [real_context(simulator, frames, seed) for seed in (11, 12)]
    prompts = ["a meadow by day", ""] if simulator.dit.text is not None else ["", ""]
    at_once = simulator.reset(contexts, prompts, [3, 4])
    with torch.inference_mode():
        in_turn = simulator._read(contexts, prompts, [3, 4], hear=lambda *_: None)
    assert at_once.time_B.tolist() == in_turn.time_B.tolist() == [frames - 1] * 2
    assert at_once.cache.count_B.tolist() == in_turn.cache.count_B.tolist()
    for name in ("newest_BChw", "before_BChw", "action_BA", "action_known_B"):
        torch.testing.assert_close(getattr(at_once, name), getattr(in_turn, name), atol=1e-6, rtol=0)
    ring = slice(None, -at_once.cache.tokens_per_frame)  # behind it is the frame that is denoised
    for name in ("keys_LBHNE", "values_LBHNE"):
        one, other = (getattr(state.cache, name)[:, :, :, ring] for state in (at_once, in_turn))
        torch.testing.assert_close(one, other, atol=1e-4, rtol=0)
    actions = np.repeat(turn(simulator, 6, 3)[:, None], 2, 1)
    dreams = [dream(simulator, state, actions)[1].astype(int) for state in (at_once, in_turn)]
    assert np.abs(dreams[0] - dreams[1]).max() <= 1


def test_slots_do_not_depend_on_each_other(simulator, context):
    """A slot in a batch shows what it shows alone: own seed, own context length, own noise."""
    other = real_context(simulator, frames=2, seed=12)
    actions = turn(simulator, 6, 4)
    alone = dream(simulator, simulator.reset([context], [""], [3]), actions)[1][0]
    state = simulator.reset([other, context, context], ["", "", ""], [9, 3, 4])
    together = dream(simulator, state, np.repeat(actions[:, None], 3, 1).reshape(4, 3, -1))[1]
    # Sums of different batch sizes may round differently: at most one grey level here and there.
    assert np.abs(together[1].astype(int) - alone).max() <= 1
    assert np.abs(together[2].astype(int) - alone).max() > 1


def test_a_branch_goes_its_own_way_and_leaves_the_original(simulator, context):
    left, right = turn(simulator, -8, 3), turn(simulator, 8, 3)
    state, _ = dream(simulator, simulator.reset([context], [""], [3]), turn(simulator, 0, 2))
    branch = simulator.branch(state, [0])
    _, frames_left = dream(simulator, branch, left)
    _, frames_right = dream(simulator, state, right)
    again, _ = dream(simulator, simulator.reset([context], [""], [3]), turn(simulator, 0, 2))
    _, expected = dream(simulator, again, right)
    assert np.array_equal(frames_right, expected)
    least = 0.5 if "push_x" in simulator.codec.names else 2  # a pushed body is a small part of the picture
    assert np.abs(frames_left.astype(int) - frames_right).mean() > least


def test_resetting_one_slot_leaves_the_others(simulator, context):
    actions = np.repeat(turn(simulator, 6, 3)[:, None], 2, 1)
    state = simulator.reset([context, context], ["", ""], [3, 4])
    state, _ = dream(simulator, state, actions)
    untouched, _ = dream(simulator, simulator.reset([context, context], ["", ""], [3, 4]), actions)
    state = simulator.reset_slots(state, [0], [context], [""], [8])
    fresh = simulator.reset([context], [""], [8])
    _, after = dream(simulator, state, actions)
    _, other = dream(simulator, untouched, actions)
    _, new = dream(simulator, fresh, actions[:, 0])
    assert np.abs(after[1].astype(int) - other[1]).max() <= 1
    assert np.abs(after[0].astype(int) - new[0]).max() <= 1


def test_context_is_really_noised_when_dreaming(simulator, context):
    """The level given to the network is the level of noise in its input: changing only the label is caught."""
    seen = []
    original = simulator.dit.stream

    def spy(cache, target, level, action, previous, time, stream_context, **conditioning):
        seen.append((previous.clone(), stream_context))
        return original(cache, target, level, action, previous, time, stream_context, **conditioning)

    simulator.dit.stream = spy
    try:
        state = simulator.reset([context], [""], [3])
        clean = state.newest_BChw.clone()
        seen.clear()
        simulator.step(state, turn(simulator, 0, 1))
    finally:
        del simulator.dit.stream
    previous, stream_context = seen[0]
    level = float(stream_context.noise_B[0])
    assert level == pytest.approx(simulator.context_noise)
    noise = previous.float() - (1 - level) * clean
    assert float(noise.std()) == pytest.approx(level, rel=0.1)
    assert abs(float(noise.mean())) <= 0.1 * level
    assert torch.equal(stream_context.clean_BChw, clean)


def test_turning_right_moves_the_picture_left(simulator):
    """The dream obeys the sign of the camera, as measured by the shift that best explains the change."""
    if "push_x" in simulator.codec.names:
        pytest.skip("there is no camera to turn")
    best = {yaw: np.zeros(25) for yaw in (-8, 8)}
    for seed in range(21, 27):
        context = real_context(simulator, frames=8, seed=seed)
        for yaw, errors in best.items():
            _, frames = dream(simulator, simulator.reset([context], [""], [3]), turn(simulator, yaw, 1))
            errors += [shift_error(context.frames[-1], frames[0, 0], shift) for shift in range(-12, 13)]
    assert best[8].argmin() - 12 > 0 > best[-8].argmin() - 12


def shift_error(before: np.ndarray, after: np.ndarray, shift: int) -> float:
    """Mean absolute difference when ``after`` is taken to be ``before`` moved left by ``shift`` columns."""
    width = before.shape[1]
    a = after[:, max(0, -shift) : width - max(0, shift)].astype(float)
    b = before[:, max(0, shift) : width + min(0, shift)].astype(float)
    return float(np.abs(a - b).mean())


def test_fewer_or_more_steps_can_be_asked_for(simulator, context):
    name = simulator.checkpoint.name
    for steps in (1, 4):
        other = load(name, steps=steps)
        assert other.describe()["steps"] == steps
        _, prediction = other.step(other.reset([context], [""], [3]), turn(other, 0, 1))
        assert prediction.frames.shape == (1, *simulator.size, 3)


def test_a_long_stream_stays_bounded(simulator, context):
    """Nothing in the state grows, and the picture neither saturates nor goes black."""
    state = simulator.reset([context], [""], [3])
    sizes = set()
    for i in range(60):
        state, prediction = simulator.step(state, turn(simulator, 6 if i % 20 < 10 else -6, 1))
        sizes.add(state.cache.keys_LBHNE.shape)
    assert len(sizes) == 1
    assert 20 < prediction.frames.mean() < 235 or prediction.frames.std() > 5


def test_bad_contexts_say_what_is_needed(simulator):
    height, width = simulator.size
    channels = len(simulator.codec)
    side, message = (32, f"{height}x{width}") if len(simulator.sizes) == 1 else (40, "the nearest size is 32x32")
    with pytest.raises(WorldsimError, match=message):
        simulator.reset(
            [Context(np.zeros((1, side, side, 3), np.uint8), np.zeros((0, channels), np.float32))], [""], [0]
        )
    with pytest.raises(WorldsimError, match="actions of shape"):
        simulator.reset([Context(np.zeros((3, height, width, 3), np.uint8), np.zeros((3, 2), np.float32))], [""], [0])


def test_unknown_and_damaged_checkpoints_are_named(tmp_path):
    with pytest.raises(UnknownNameError, match="voxel-base"):
        find_checkpoint("voxel-bse")
    with pytest.raises(WorldsimError, match="no checkpoint folder"):
        find_checkpoint(tmp_path / "nothing")
    with pytest.raises(DamagedFileError, match=r"no config\.json"):
        find_checkpoint(tmp_path)
    folder = shutil.copytree(find_checkpoint(NAMES[0]).folder, tmp_path / "damaged")
    weights = folder / "dit.safetensors"
    weights.write_bytes(weights.read_bytes()[:5000])
    with pytest.raises(DamagedFileError, match=r"dit\.safetensors"):
        load(folder)


def test_unknown_precision_is_refused():
    with pytest.raises(WorldsimError, match="float8"):
        load(NAMES[0], precision="float8")


def test_weights_are_in_the_precision_asked_for():
    assert load(NAMES[0]).dtype == torch.bfloat16
