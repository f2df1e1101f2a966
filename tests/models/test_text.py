"""The embedded text encoder: padding, order, unknown words, limits, and that it learns."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest
import torch

from worldsim.core.errors import WorldsimError
from worldsim.models.text import TextConfig, TextEncoder, config_for_training, make_text_encoder

WORDS = ("a", "red", "blue", "pillar", "gem", "left", "of", ".")


@pytest.fixture(scope="module")
def encoder() -> TextEncoder:
    torch.manual_seed(0)
    return make_text_encoder(TextConfig(width=32, heads=2, max_words=9, words=WORDS))


def test_tokens_and_mask(encoder):
    tokens = encoder(["a red gem.", "", "gem"])
    assert tokens.features_BLE.shape == (3, 5, 32) and tokens.features_BLE.dtype == torch.float32
    assert tokens.mask_BL.sum(1).tolist() == [5, 1, 2] and tokens.mask_BL[:, 0].all()
    assert len(tokens) == 3 and len(encoder([])) == 0


def test_padding_changes_nothing(encoder):
    alone, padded = encoder(["red gem"]), encoder(["red gem", "a gem left of a red pillar."], length=10)
    assert padded.features_BLE.shape == (2, 10, 32)
    torch.testing.assert_close(padded.features_BLE[:1, :3], alone.features_BLE, atol=1e-5, rtol=0)
    assert padded.mask_BL.sum(1).tolist() == [3, 9]


def test_selected_prompts(encoder):
    tokens = encoder(["a gem", "a pillar"])
    again = tokens.select(torch.tensor([1, 1, 0]))
    assert torch.equal(again.features_BLE, tokens.features_BLE[[1, 1, 0]]) and len(again.select(slice(1))) == 1
    assert tokens.to(torch.bfloat16).features_BLE.dtype == torch.bfloat16


def test_every_word_and_its_place_matter(encoder):
    def start(prompt: str) -> torch.Tensor:
        return encoder([prompt]).features_BLE[0, 0]

    first = start("red gem left of blue pillar")
    assert (first - start("blue gem left of red pillar")).abs().max() > 1e-2
    assert (first - start("red gem left of blue gem")).abs().max() > 1e-2
    assert torch.equal(start("a zeppelin"), start("a weasel"))  # both unknown
    assert torch.equal(start("Red GEM"), start("red gem"))


def test_too_long(encoder):
    encoder(["a " * 9])
    with pytest.raises(WorldsimError, match=r"'red red .* has 10 words and marks, and this model reads 9 \(max_words"):
        encoder(["a gem", "red " * 10])


def test_a_new_model_reads_the_words_of_its_captions():
    config = config_for_training("embedded", ["a red gem", "a gem"], width=32, heads=2)
    assert config.words == ("a", "gem", "red") and config.width == 32


def test_config_survives_json():
    config = TextConfig(width=32, words=WORDS)
    assert TextConfig(**json.loads(json.dumps(asdict(config)))) == config


@pytest.mark.parametrize(
    ("settings", "says"), [({"width": 30}, "width=30"), ({"words": ()}, "words="), ({"max_words": 0}, "max_words=0")]
)
def test_configs_that_cannot_be(settings, says):
    with pytest.raises(WorldsimError, match=says):
        TextConfig(**{"words": WORDS} | settings)


def test_it_learns_which_thing_has_which_colour():
    """Bags of words are not enough: the same words mean two things."""
    torch.manual_seed(0)
    encoder = TextEncoder(TextConfig(width=32, heads=2, words=WORDS))
    answer = torch.nn.Linear(32, 2)
    prompts = [f"a {one} gem left of a {two} pillar" for one, two in (("red", "blue"), ("blue", "red"))]
    prompts += [f"a {one} pillar left of a {two} gem" for one, two in (("red", "blue"), ("blue", "red"))]
    colour_of_gem = torch.tensor([0, 1, 1, 0])
    optimizer = torch.optim.AdamW([*encoder.parameters(), *answer.parameters()], lr=3e-3)
    for _ in range(60):
        loss = torch.nn.functional.cross_entropy(answer(encoder(prompts).features_BLE[:, 0]), colour_of_gem)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss < 0.1
