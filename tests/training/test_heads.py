"""Heads trained alone: they learn from a real recording, are calibrated, and leave the frames as they were."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from worldsim.core.errors import WorldsimError
from worldsim.core.records import read_json
from worldsim.core.types import Context
from worldsim.data.collect import collect
from worldsim.data.store import EpisodeTable
from worldsim.models.heads import Heads, reward_loss
from worldsim.simulators import load
from worldsim.training.head_features import StepFeatures, table_features
from worldsim.training.heads import HeadsTrainConfig, answers, calibrate, train_heads

CONFIG = HeadsTrainConfig(steps=300, batch=64, save_every=100, warmup=5, threads=1, lr=1e-2, dropout=0.0)


def quiet(line: str) -> None:
    pass


@pytest.fixture(scope="module")
def expert_table(tmp_path_factory):
    """Four games of an expert, some of which end at the beacon."""
    out = tmp_path_factory.mktemp("data") / "expert.lance"
    collect("voxel/arena", "envs.policies.voxel_experts:VoxelExpert", 4, out, max_steps=150, workers=1, seed=3)
    return out


@pytest.fixture(scope="module")
def heads_run(expert_table, simulator_run, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "heads"
    return train_heads(CONFIG, [expert_table], [expert_table], simulator_run, out, progress=quiet)


def synthetic(count: int, seed: int = 0) -> StepFeatures:
    """Steps whose first three numbers decide, by known odds, whether they end and pay."""
    generator = torch.Generator().manual_seed(seed)
    token_ND = torch.randn(count, 8, generator=generator)
    ends_N = torch.rand(count, generator=generator) < (2 * token_ND[:, 0] - 4).sigmoid()
    pays_N = torch.rand(count, generator=generator) < (2 * token_ND[:, 1] - 4).sigmoid()
    return StepFeatures(token_ND, pays_N.float(), ends_N.float(), torch.arange(count) // 20)


def test_calibration_finds_the_odds():
    """Heads that are three times too sure and cry wolf come back to the odds that the steps were drawn with."""
    heads = Heads(8, 41)
    steps = synthetic(20_000)
    with torch.no_grad():
        heads.hidden.weight.copy_(torch.eye(8))
        heads.hidden.bias.fill_(20.0)  # silu is the identity there
        heads.termination.weight.zero_()
        heads.termination.weight[0, 0] = 6.0
        heads.termination.bias.fill_(-6.0 * 20)
    before = _ending_loss(heads, steps), _reward_loss(heads, steps)
    found = calibrate(heads, steps)
    assert found["termination_scale"] == pytest.approx(1 / 3, rel=0.1)
    assert found["termination_bias"] == pytest.approx(-4, rel=0.1)
    probability_N = answers(heads, steps)[1].sigmoid()
    assert float(probability_N.mean()) == pytest.approx(float(steps.terminated_N.mean()), rel=1e-3)
    held_out = synthetic(20_000, seed=1)
    truth_N = (2 * held_out.token_ND[:, 0] - 4).sigmoid()
    assert float((answers(heads, held_out)[1].sigmoid() - truth_N).abs().mean()) < 0.01
    assert _ending_loss(heads, steps) < before[0]
    assert _reward_loss(heads, steps) < before[1]


def _ending_loss(heads: Heads, steps: StepFeatures) -> float:
    return float(F.binary_cross_entropy_with_logits(answers(heads, steps)[1], steps.terminated_N))


def _reward_loss(heads: Heads, steps: StepFeatures) -> float:
    return float(reward_loss(answers(heads, steps)[0], steps.reward_N).mean())


def test_features_are_what_a_roll_out_reads(simulator_run, expert_table):
    """The first steps of an episode against the simulator's own answers, fed the recorded frames."""
    simulator, table = load(simulator_run), EpisodeTable.open(str(expert_table))
    steps = table_features(simulator, table, quiet)
    assert len(steps) == int((table.episodes.lengths - 1).sum())
    assert int(steps.terminated_N.sum()) == int(table.episodes.terminated.sum())
    shortest = int(np.argmin(table.episodes.lengths))
    episode = table.read_episode(shortest)
    mine = steps.episode_N == shortest
    torch.testing.assert_close(steps.reward_N[mine], torch.from_numpy(episode.rewards))
    # One step from the first frame: the noise is drawn from another seed, so equal up to what it does.
    state = simulator.reset([Context(episode.frames[:1], episode.actions[:0])], [""], [5])
    _, prediction = simulator.step(state, episode.actions[:1])
    ends_N = simulator.dit.heads(steps.token_ND[mine].to(simulator.dtype))[1].float().sigmoid()
    assert float(ends_N[0].detach()) == pytest.approx(float(prediction.termination_prob[0]), abs=0.1)


def test_they_learn(heads_run):
    said = read_json(heads_run / "heads.json")["val"]
    for head in ("reward", "termination"):
        before, after = said["before"][head], said["after"][head]
        area = after["average_precision"]["mean"]
        assert area > 1.3 * before["average_precision"]["mean"]
        assert area > 5 * after["prevalence"]  # chance
        assert after["expected_over_outcome"] == pytest.approx(1, abs=0.2)


def test_only_the_heads_changed(heads_run, simulator_run, recording):
    """Frames to the bit, other answers."""
    episode = EpisodeTable.open(str(recording)).read_episode(0)
    answered = []
    for run in (simulator_run, heads_run):
        simulator = load(run)
        state = simulator.reset([Context(episode.frames[:4], episode.actions[:3])], [""], [0])
        answered.append(simulator.step(state, episode.actions[3:4])[1])
    np.testing.assert_array_equal(answered[0].frames, answered[1].frames)
    assert answered[0].termination_prob != answered[1].termination_prob


def test_a_table_without_endings_is_refused(recording, simulator_run, tmp_path):
    with pytest.raises(WorldsimError, match="no episode ends or none pays"):
        train_heads(CONFIG, [recording], [recording], simulator_run, tmp_path, progress=quiet)


def test_wrong_settings_are_named():
    with pytest.raises(WorldsimError, match=r"event_share=1\.0"):
        HeadsTrainConfig(event_share=1.0)
