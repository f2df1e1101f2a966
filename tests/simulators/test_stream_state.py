"""Streams of a small random network: guidance, recalled frames, and snapshots that go on to the bit."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch
from stand_in import CODEC, SIZE, picture

from worldsim.core.errors import DamagedFileError, UnknownNameError, WorldsimError
from worldsim.core.types import Context
from worldsim.simulators import load
from worldsim.simulators.recall import MemoryConfig
from worldsim.simulators.snapshot import load_snapshot, save_snapshot

WINDOW = 4  # of the stand-in
MEMORY = MemoryConfig(frames=2, archive=8)
TOLERANCE = 1e-4  # float32; sums of other batch sizes round differently


def still(red: int) -> Context:
    return Context(picture(red, 80, 40), np.zeros((0, len(CODEC)), np.float32))


def turn(degrees: float, slots: int = 1) -> np.ndarray:
    return np.stack([CODEC.vector(camera_yaw_right_deg=degrees)] * slots)


def go_on(simulator, state, steps: int, degrees: float = 5.0):
    """The state afterwards, and the latents (B, T, ...) on the way."""
    latents = []
    for _ in range(steps):
        state, _ = simulator.step(state, turn(degrees, len(state.seed_B)))
        latents.append(state.newest_BChw.clone())
    return state, torch.stack(latents, 1)


@pytest.fixture(scope="module")
def guided(random_checkpoint):
    return load(random_checkpoint, steps=2, precision="float32", guidance=2.5, memory=MEMORY)


@pytest.fixture(scope="module")
def plain(random_checkpoint):
    return load(random_checkpoint, steps=2, precision="float32")


def test_streams_know_which_of_their_frames_are_their_own(plain):
    state = plain.reset([still(200), still(90)], ["", ""], [1, 2])
    assert state.own_B.tolist() == [0, 0]
    state, _ = go_on(plain, state, 1)
    assert state.own_B.tolist() == [1, 1]
    state = plain.reset_slots(state, [1], [still(90)], [""], [2])
    assert state.own_B.tolist() == [1, 0]
    assert plain.branch(state, [1, 0]).own_B.tolist() == [0, 1]
    assert plain.restore(plain.snapshot(state)).own_B.tolist() == [1, 0]


# -- guidance ---------------------------------------------------------------------------------------------------------


def test_guidance_of_one_is_none_and_more_changes_what_a_prompt_does(random_checkpoint, plain):
    def told(simulator, prompt: str):
        return go_on(simulator, simulator.reset([still(200)], [prompt], [1]), 3)[1]

    one = load(random_checkpoint, steps=2, precision="float32", guidance=1.0)
    assert torch.equal(told(one, "red tower"), told(plain, "red tower"))
    more = load(random_checkpoint, steps=2, precision="float32", guidance=3.0)
    assert (told(more, "red tower") - told(plain, "red tower")).abs().max() > 0.01
    # Without a prompt there is nothing to go past.
    assert (told(more, "") - told(plain, "")).abs().max() < TOLERANCE
    assert one.reset([still(200)], [""], [1]).unprompted is None


def test_guidance_goes_past_the_prompt_on_the_same_noise(random_checkpoint, plain):
    """One frame in one step: twice as far from what is said without a prompt."""
    one_step = [load(random_checkpoint, steps=1, precision="float32", guidance=scale) for scale in (1.0, 2.0)]

    def first(simulator, prompt: str):
        return go_on(simulator, simulator.reset([still(200)], [prompt], [1]), 1)[1]

    nothing, said, guided = first(one_step[0], ""), first(one_step[0], "night"), first(one_step[1], "night")
    torch.testing.assert_close(guided - nothing, 2 * (said - nothing), rtol=1e-3, atol=TOLERANCE)
    assert (said - nothing).abs().max() > 0.01


def test_guided_slots_do_not_depend_on_each_other(guided):
    starts = [still(200), still(90), still(200)]
    together = go_on(guided, guided.reset(starts, ["red", "night", "day"], [1, 2, 1]), 8)[1]
    alone = go_on(guided, guided.reset([still(90)], ["night"], [2]), 8)[1]
    assert (together[1] - alone[0]).abs().max() < TOLERANCE
    assert (together[0] - together[2]).abs().max() > 0.01


def test_guidance_needs_a_network_that_reads(make_random_checkpoint, tmp_path):
    deaf = make_random_checkpoint(tmp_path, text=None)
    with pytest.raises(WorldsimError, match=r"guidance=2\.0 is for networks that read prompts"):
        load(deaf, guidance=2.0)
    assert load(deaf).guidance == 1


# -- sinks and recalled frames ----------------------------------------------------------------------------------------


def test_a_sink_is_seen_long_after_it_left_the_window(random_checkpoint, make_random_checkpoint, tmp_path):
    """The first frame differs, all later latents are made equal: only a sink can tell the streams apart."""
    without = make_random_checkpoint(tmp_path, sinks=0)
    for folder, remembers in ((random_checkpoint, True), (without, False)):
        simulator = load(folder, steps=1, precision="float32")
        states = [simulator.reset([still(red)], [""], [1]) for red in (250, 10)]
        for _ in range(5 * WINDOW):
            states = [simulator.step(state, turn(5))[0] for state in states]
            states[1].newest_BChw = states[0].newest_BChw.clone()
        ends = [simulator.step(state, turn(5))[0].newest_BChw for state in states]
        assert bool((ends[0] - ends[1]).abs().max() > 1e-3) == remembers


def test_the_camera_recalls_the_frames_seen_that_way(random_checkpoint):
    simulator = load(
        random_checkpoint, steps=1, precision="float32", memory=MemoryConfig(frames=1, archive=30, mosaic=0)
    )
    assert simulator.describe()["memory"] == {"frames": 1, "archive": 30, "by": "camera", "mosaic": 0}
    state = simulator.reset([still(200)], [""], [1])
    recalled = []
    for degrees in [10.0] * 9 + [-10.0] * 9:
        state, _ = simulator.step(state, turn(degrees))
        recalled.append(int(state.cache.archive.recalled_BM))
    assert recalled[:WINDOW] == [-1] * WINDOW  # nothing but the sink has left the window yet
    # On the way out frame t looks 10 t degrees to the right, so frame 9 + n looks as frame 9 - n; frame 0 is the sink.
    assert recalled[8 + WINDOW + 1 :] == [max(1, 9 - n) for n in range(WINDOW + 1, 10)]


def test_alike_frames_are_recalled_by_latent(random_checkpoint):
    memory = MemoryConfig(frames=1, archive=30, by="latent")
    simulator = load(random_checkpoint, steps=1, precision="float32", memory=memory)
    state = simulator.reset([still(200)], [""], [1])
    shown = {}
    generator = torch.Generator().manual_seed(0)
    kinds = [torch.randn(state.newest_BChw.shape, generator=generator) for _ in range(12)]
    for t, kind in enumerate([*kinds, kinds[3]]):
        state.newest_BChw = kind.clone()
        state, _ = simulator.step(state, turn(0))
        shown[t] = int(state.cache.archive.recalled_BM)
    assert shown[12] == 3


def test_recalled_frames_change_what_is_dreamt_and_long_contexts_are_read_whole(random_checkpoint, plain):
    frames = np.concatenate([picture(20 * i, 80, 40) for i in range(12)])
    context = Context(frames, turn(10.0, 11))
    latents = []
    for memory in (None, MEMORY):
        simulator = load(random_checkpoint, steps=2, precision="float32", memory=memory)
        state = simulator.reset([context], [""], [1])
        assert int(state.time_B) == 11
        latents.append(go_on(simulator, state, 2, degrees=-10.0)[1])
    assert (latents[0] - latents[1]).abs().max() > 1e-3


def test_mosaics_go_back_beyond_the_window_where_told(random_checkpoint, plain):
    """A picture that left the window long ago is seen by a memory of it alone, also one read from a context."""
    places = load(random_checkpoint, steps=2, precision="float32", memory=MemoryConfig(mosaic=256))
    assert places.describe()["most_context_frames"] == plain.describe()["most_context_frames"] + 256
    frames = np.concatenate([picture(200, 80, 40), *[picture(20, 30, 90)] * 11])
    moves = np.concatenate([turn(20.0, 6), turn(-20.0, 5)])
    seen = {}
    for name, simulator in (("places", places), ("plain", plain)):
        state, _ = simulator.step(simulator.reset([Context(frames, moves)], [""], [1]), turn(-20.0))
        assert state.cache.mosaic is not None
        seen[name] = state.cache.mosaic.seen_BChw
    assert (seen["places"] - seen["plain"]).abs().max() > 1e-2


def test_mosaics_go_back_beyond_the_window_by_themselves_where_a_camera_turns(plain):
    assert plain.describe()["memory"] == {"frames": 0, "archive": 512, "by": "", "mosaic": 0}
    assert load("voxel-base").describe()["memory"]["mosaic"] == 256


def test_a_memory_of_places_needs_a_network_that_is_shown_them(make_random_checkpoint, tmp_path):
    folder = make_random_checkpoint(tmp_path / "unmoved")
    with pytest.raises(WorldsimError, match="mosaic=8 is for networks trained with motion=true"):
        load(folder, memory=MemoryConfig(mosaic=8))


def test_nothing_grows_with_the_stream(guided):
    state = guided.reset([still(200)], ["red"], [1])
    sizes = set()
    for _ in range(20):
        state, _ = go_on(guided, state, 1)
        sizes.add(tuple((name, value.shape) for name, value in state.named().items()))
    assert len(sizes) == 1


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"frames": -1}, "frames=-1"),
        ({"frames": 9, "archive": 8}, "archive=8"),
        ({"mosaic": -1}, "mosaic=-1"),
        ({"mosaic": "all"}, "mosaic='all'"),
        ({"mosaic": 100_000}, "mosaic=100000 of a memory must be 0 to 3072"),
    ],
)
def test_bad_memories_name_the_value(settings, message):
    with pytest.raises(WorldsimError, match=message):
        MemoryConfig(**settings)


def test_an_unknown_way_to_recall_is_named():
    with pytest.raises(UnknownNameError, match="camera"):
        MemoryConfig(by="camra")


# -- snapshots --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def running(guided):
    """Two streams of different ages, long enough to have filled their archives."""
    state = guided.reset([still(200), still(90)], ["red tower", "night"], [1, 2])
    state, _ = go_on(guided, state, 9)
    state = guided.reset_slots(state, [1], [still(30)], ["day"], [7])
    return go_on(guided, state, 6)[0]


def test_a_snapshot_goes_on_to_the_bit(guided, running, tmp_path):
    save_snapshot(tmp_path / "s", guided.snapshot(running))
    expected = go_on(guided, guided.branch(running, [0, 1]), 8, -5.0)[1]
    back = guided.restore(load_snapshot(tmp_path / "s"))
    for name, value in running.named().items():
        assert np.array_equal(np.asarray(value), np.asarray(back.named()[name])), name
    assert torch.equal(go_on(guided, back, 8, -5.0)[1], expected)


def test_one_slot_of_a_snapshot_and_plain_data(guided, running):
    one = guided.snapshot(running, [1])
    assert all(isinstance(array, np.ndarray) for array in one["arrays"].values())
    expected = go_on(guided, guided.branch(running, [1]), 3)[1]
    before = {name: array.copy() for name, array in one["arrays"].items()}
    for _ in range(2):  # any number of times
        assert torch.equal(go_on(guided, guided.restore(one), 3)[1], expected)
    assert all(np.array_equal(array, before[name]) for name, array in one["arrays"].items())
    # Put into another batch.
    host = guided.reset([still(10), still(20)], ["", ""], [5, 6])
    host.assign([1], guided.restore(one))
    assert (go_on(guided, host, 3)[1][1] - expected[0]).abs().max() < TOLERANCE


IN_ANOTHER_PROCESS = """
import sys
import numpy as np, torch
torch.set_num_threads({threads})
from worldsim.simulators import load
from worldsim.simulators.snapshot import load_snapshot
simulator = load(sys.argv[1], steps=2)
state = simulator.restore(load_snapshot(sys.argv[2]))
for _ in range(3):
    state, prediction = simulator.step(state, np.array([[0, 5]], np.float32))
np.save(sys.argv[3], prediction.frames)
"""


def test_another_process_goes_on_to_the_bit_in_bfloat16(random_checkpoint, tmp_path):
    simulator = load(random_checkpoint, steps=2)
    state, _ = go_on(simulator, simulator.reset([still(200)], ["red"], [1]), WINDOW + 3)
    save_snapshot(tmp_path / "s", simulator.snapshot(state))
    code = IN_ANOTHER_PROCESS.format(threads=torch.get_num_threads())
    arguments = [str(random_checkpoint), str(tmp_path / "s"), str(tmp_path / "frames.npy")]
    subprocess.run([sys.executable, "-c", code, *arguments], check=True)
    for _ in range(3):
        state, prediction = simulator.step(state, np.array([[0, 5]], np.float32))
    assert np.array_equal(np.load(tmp_path / "frames.npy"), prediction.frames)
    assert prediction.frames.shape[1:3] == SIZE


def test_snapshots_of_something_else_are_refused(
    guided, plain, running, random_checkpoint, make_random_checkpoint, tmp_path
):
    taken = guided.snapshot(running)
    other = make_random_checkpoint(tmp_path, sinks=2)
    with pytest.raises(WorldsimError, match=f"is of the checkpoint {random_checkpoint.name} .* load the one"):
        load(other, precision="float32").restore(taken)
    with pytest.raises(WorldsimError, match="taken with precision=float32, and this simulator has precision=bfloat16"):
        load(random_checkpoint, guidance=2.5, memory=MEMORY).restore(taken)
    with pytest.raises(WorldsimError, match="taken with memory="):
        plain.restore(taken)
    with pytest.raises(DamagedFileError, match="format 9"):
        guided.restore({**taken, "about": {**taken["about"], "format": 9}})
    (tmp_path / "broken").write_bytes(b"nothing")
    with pytest.raises(DamagedFileError, match="broken is not a readable snapshot"):
        load_snapshot(tmp_path / "broken")
