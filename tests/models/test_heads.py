"""Reward as a two-hot distribution."""

import pytest
import torch

from worldsim.models.heads import Heads, bin_centres, reward_loss, reward_mean, scale_logits, symexp


def test_the_best_logits_give_the_reward_back():
    """Training logits on one reward makes the expected reward that reward."""
    for reward in (-3.0, -0.25, 0.0, 0.2, 1.0, 17.0):
        target = torch.tensor([reward])
        logits = torch.zeros(1, 41, requires_grad=True)
        optimizer = torch.optim.Adam([logits], lr=0.5)
        for _ in range(300):
            optimizer.zero_grad()
            reward_loss(logits, target).sum().backward()
            optimizer.step()
        # Two-hot is exact in symlog space; between two bins the mean in reward space lies a little above.
        assert float(reward_mean(logits.detach())) == pytest.approx(reward, abs=0.03 + 0.03 * abs(reward))


def test_a_sure_bin_is_its_centre():
    logits = torch.full((1, 41), -100.0)
    logits[0, 30] = 100.0
    assert float(reward_mean(logits)) == pytest.approx(float(symexp(bin_centres(41)[30])), rel=1e-5)


def test_scaled_logits_are_ordinary_heads():
    torch.manual_seed(0)
    heads, token_ND = Heads(16, 41), torch.randn(5, 16)
    reward_NK, termination_N = (logits.detach() for logits in heads(token_ND))
    names = set(heads.state_dict())
    scale_logits(heads, 0.5, 2.0, 3.0, -1.0)
    assert set(heads.state_dict()) == names
    nothing_K = torch.eye(41)[20]  # the bin of reward 0
    assert float(bin_centres(41)[20]) == 0
    torch.testing.assert_close(heads(token_ND)[0].detach(), 0.5 * reward_NK + 2 * nothing_K)
    torch.testing.assert_close(heads(token_ND)[1].detach(), 3 * termination_N - 1)
