"""The words a run reads are settled at its first start, and an earlier stage's words keep their places."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch

from worldsim.core.errors import WorldsimError
from worldsim.data.captions import Caption
from worldsim.models.checkpoint import save_model
from worldsim.models.dit import DiT, DiTConfig
from worldsim.training.simulator import _text_config
from worldsim.training.simulator_config import SimulatorTrainConfig
from worldsim.training.stages import EarlierStage


@dataclass
class Captioned:
    """As much of a table as is asked for its words."""

    texts: list[str]
    path: str = "data/some.lance"

    def captions(self) -> list[Caption]:
        return [Caption(0, 1, text, "state", 1) for text in self.texts]


def test_captions_that_are_added_later_change_no_run(tmp_path):
    config = SimulatorTrainConfig(text="embedded")
    first = _text_config(config, (), [Captioned(["a red pillar", "a desert"])], tmp_path)
    again = _text_config(config, (), [Captioned(["a blue sea", "blue", "sea", "a red pillar"])], tmp_path)
    assert first == again
    assert set(first.words) == {"a", "red", "pillar", "desert"}


def test_a_later_stage_keeps_the_embeddings_of_its_words(tmp_path):
    from dataclasses import asdict

    config = SimulatorTrainConfig(text="embedded", text_width=16)
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    first = _text_config(config, (), [Captioned(["red pillar"])], tmp_path / "one")
    sizes = {"action_channels": 2, "latent_channels": 4, "dim": 32, "depth": 2, "heads": 2}
    early = DiT(DiTConfig(**sizes, text=first))
    save_model(tmp_path / "one" / "dit.safetensors", early, asdict(early.config))
    (tmp_path / "one" / "config.json").write_text("{}")
    earlier = EarlierStage(str(tmp_path / "one"))
    later = _text_config(config, earlier.words, [Captioned(["a blue red"] * 3)], tmp_path / "two")
    assert later.words[:2] == first.words
    assert set(later.words[2:]) == {"a", "blue"}
    model = DiT(DiTConfig(**sizes, text=later))
    earlier.give_weights(model)
    torch.testing.assert_close(model.text.embedding.weight[:4], early.text.embedding.weight)


def test_tables_without_captions_are_named(tmp_path):
    with pytest.raises(WorldsimError, match=r"data/some.lance has any.*worldsim caption"):
        _text_config(SimulatorTrainConfig(text="embedded"), (), [Captioned([])], tmp_path)
