"""The rule by which a compute becomes a network, and what a compute buys."""

import json
from pathlib import Path

import lance
import pytest
from small_runs import SIMULATOR_CONFIG, VAE_CONFIG

from worldsim.core.errors import UnknownNameError, WorldsimError
from worldsim.core.records import read_json
from worldsim.data.collect import collect
from worldsim.data.rows import META_KEY
from worldsim.models.dit import DiT, DiTConfig
from worldsim.training.scales import SCALES, find_scale, network_size, scaled
from worldsim.training.simulator import train_simulator
from worldsim.training.simulator_config import SimulatorTrainConfig
from worldsim.training.tables import open_tables
from worldsim.training.vae import VAETrainConfig, train_vae

COMPUTE = 1e14


@pytest.fixture(scope="module")
def long_recording(tmp_path_factory):
    out = tmp_path_factory.mktemp("data") / "long.lance"
    collect("voxel/arena", "envs.policies.explorer:make_explorer", 2, out, max_steps=80, workers=1)
    return out


@pytest.mark.parametrize("compute", [1e12, 1e13, 1e14, 1e16])
def test_more_compute_is_a_larger_network_that_remembers_more(compute):
    sizes = [scale.simulator(compute, longest=200) for scale in SCALES.values()]
    params = [size["dim"] ** 2 * size["depth"] for size in sizes]
    assert params == sorted(params)
    assert [size["window"] for size in sizes] == sorted({size["window"] for size in sizes})
    assert all(size["frames"] > size["window"] and size["dim"] % size["heads"] == 0 for size in sizes)
    autoencoders = [scale.autoencoder(compute)["model.widths"] for scale in SCALES.values()]
    assert autoencoders == sorted(autoencoders)


def test_32x_of_two_cores_ships_in_15_megabytes_of_8_bit_weights():
    size = find_scale("32x").simulator(COMPUTE, longest=200)
    config = DiTConfig(14, dim=size["dim"], depth=size["depth"], heads=size["heads"], window=size["window"])
    assert sum(p.numel() for p in DiT(config).parameters()) < 13e6
    assert size["window"] >= 36  # what left the view for 32 frames is still attended to


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("recipe", [SimulatorTrainConfig, VAETrainConfig])
def test_a_scale_spends_its_multiple_of_the_compute(scale, recipe, long_recording):
    _, flops = scaled(recipe(), scale, COMPUTE, [long_recording])
    share = 0.1 if recipe is VAETrainConfig else 1.0
    assert flops == pytest.approx(share * SCALES[scale].times * COMPUTE)


def test_what_was_typed_is_kept(long_recording):
    own = SimulatorTrainConfig(dim=96, heads=3, lr=0.5)
    config, _ = scaled(own, "4x", COMPUTE, [long_recording], typed=frozenset({"dim", "heads"}))
    assert (config.dim, config.heads) == (96, 3)
    assert config.lr != 0.5
    assert config.depth == network_size(4 * COMPUTE)[1]


def test_clips_are_no_longer_than_the_recordings(recording):
    config, _ = scaled(SimulatorTrainConfig(), "32x", COMPUTE, [recording])
    longest = int(open_tables([recording])[0].episodes.lengths.max())
    assert config.frames == longest
    assert config.window < config.frames


def test_a_compute_buys_its_steps(recording, vae_run, tmp_path):
    run = train_simulator(SIMULATOR_CONFIG, [recording], vae_run, tmp_path / "sim", lambda line: None, compute=2e9)
    record = read_json(run / "record.json")
    flops = record["model"]["train_flops"]
    assert flops == pytest.approx(2e9, rel=0.5 / record["completed"])
    assert record["config"]["settings"]["warmup"] <= record["completed"] / 10
    run = train_vae(VAE_CONFIG, [recording], tmp_path / "vae", lambda line: None, compute=3e9)
    assert read_json(run / "record.json")["model"]["train_flops"] == pytest.approx(3e9, rel=0.1)


def test_a_compute_that_buys_no_step_is_refused(recording, vae_run, tmp_path):
    with pytest.raises(WorldsimError, match=r"compute=1e\+03 is less than one step of .* FLOPs; raise it"):
        train_simulator(SIMULATOR_CONFIG, [recording], vae_run, tmp_path, lambda line: None, compute=1e3)
    with pytest.raises(WorldsimError, match="less than one step"):
        train_vae(VAE_CONFIG, [recording], tmp_path, lambda line: None, compute=1e3)


@pytest.mark.parametrize("compute", [0.0, -1e14])
def test_a_compute_is_positive(compute, long_recording):
    with pytest.raises(WorldsimError, match="must be positive"):
        scaled(SimulatorTrainConfig(), "base", compute, [long_recording])


def test_an_autoencoder_stops_at_what_it_can_use():
    assert find_scale("32x").autoencoder_flops(1e16) == find_scale("32x").autoencoder_flops(1e15) <= 1e15


def test_an_unknown_scale_names_the_known_ones():
    with pytest.raises(UnknownNameError, match=r"unknown scale '16x'.*32x"):
        find_scale("16x")


def test_other_action_spaces_are_refused(recording, vae_run, tmp_path):
    other = tmp_path / "fall.lance"
    collect("physics/free_fall", "envs.policies.random:RandomPolicy", 1, other, max_steps=20, workers=1)
    with pytest.raises(WorldsimError, match=r"physics/free_fall.*voxel/arena.*other action channels"):
        train_simulator(SIMULATOR_CONFIG, [recording, other], vae_run, tmp_path / "run", lambda line: None)
    with pytest.raises(WorldsimError, match="names no table"):
        train_vae(VAE_CONFIG, [], tmp_path / "vae")


@pytest.mark.parametrize(
    ("planned", "message"), [(0, r"empty\.lance is empty: 0 episodes"), (3, "has 0 of 3 episodes; run the same")]
)
def test_empty_tables_are_refused(recording, vae_run, tmp_path, planned, message):
    empty = emptied(recording, tmp_path / "empty.lance", planned)
    with pytest.raises(WorldsimError, match=message):
        train_vae(VAE_CONFIG, [empty], tmp_path / "vae", lambda line: None)
    with pytest.raises(WorldsimError, match=message):
        train_simulator(SIMULATOR_CONFIG, [empty], vae_run, tmp_path / "run", lambda line: None)


def emptied(table: Path, out: Path, planned: int) -> Path:
    """The same table without a row, of which ``planned`` episodes are said to be recorded."""
    schema = lance.dataset(str(table)).schema
    about = {**json.loads(schema.metadata[META_KEY]), "planned_episodes": planned}
    lance.write_dataset(schema.with_metadata({META_KEY: json.dumps(about)}).empty_table(), str(out))
    return out
