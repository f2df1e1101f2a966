"""Text encoders of transformers: tiny ones of random weights, saved to and loaded from folders."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest

pytest.importorskip("transformers")

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import (
    AutoTokenizer,
    BertConfig,
    BertModel,
    CLIPConfig,
    CLIPModel,
    CLIPTextConfig,
    CLIPTextModel,
    PreTrainedTokenizerFast,
    T5Config,
    T5EncoderModel,
    T5Model,
)

from worldsim.core.errors import WorldsimError
from worldsim.models.huggingface_text import HuggingFaceText
from worldsim.models.text import TextConfig, config_for_training, make_text_encoder

WORDS = ["<pad>", "<s>", "</s>", "<unk>", "a", "red", "blue", "pillar", "gem", "at", "night"]
SIZES = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 2}
TEXT = {"vocab_size": len(WORDS), "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
T5 = T5Config(d_model=32, d_kv=16, d_ff=48, num_layers=2, num_heads=2, vocab_size=len(WORDS))
CLIP_TEXT = CLIPTextConfig(**SIZES, **TEXT, max_position_embeddings=12)
CLIP_VISION = {**SIZES, "image_size": 16, "patch_size": 8}
MAKERS = {
    "t5": lambda: T5Model(T5),
    "t5-encoder": lambda: T5EncoderModel(T5),
    "clip": lambda: CLIPModel(CLIPConfig(text_config=CLIP_TEXT.to_dict(), vision_config=CLIP_VISION)),
    "clip-text": lambda: CLIPTextModel(CLIP_TEXT),
    "bert": lambda: BertModel(BertConfig(**SIZES, vocab_size=len(WORDS), max_position_embeddings=20)),
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Encoders as save_pretrained leaves them."""
    words = Tokenizer(models.WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    words.post_processor = processors.TemplateProcessing(single="<s> $A </s>", special_tokens=[("<s>", 1), ("</s>", 2)])
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=words, pad_token="<pad>", bos_token="<s>", eos_token="</s>", unk_token="<unk>"
    )
    root = tmp_path_factory.mktemp("encoders")
    for name, make in MAKERS.items():
        torch.manual_seed(0)
        make().save_pretrained(root / name)
        tokenizer.save_pretrained(root / name)
    return root


@pytest.fixture
def encoder(folders, tmp_path):
    return HuggingFaceText(TextConfig(encoder=str(folders / "t5"), width=32), tmp_path / "cache")


@pytest.mark.parametrize("name", MAKERS)
def test_any_encoder(folders, tmp_path, name):
    config = config_for_training(str(folders / name), ["a gem"], max_words=9)
    assert config.width == 32
    encoder = HuggingFaceText(config, tmp_path)
    tokens = encoder(["a red pillar", "", "gem at night", "a red pillar"])
    assert tokens.features_BLE.shape == (4, 6, 32) and tokens.features_BLE.isfinite().all()
    assert tokens.mask_BL.sum(1).tolist() == [6, 3, 6, 6]
    assert not tokens.features_BLE[~tokens.mask_BL].any() and not tokens.features_BLE[:, 0].any()
    assert torch.equal(tokens.features_BLE[0], tokens.features_BLE[3])
    assert (tokens.features_BLE[0] - tokens.features_BLE[2]).abs().max() > 0.01
    assert encoder.state_dict() == {} and list(encoder.parameters()) == []


def test_features_are_the_models_own(encoder, folders):
    tokens = encoder(["a red pillar at night", "gem"], length=9)
    assert tokens.features_BLE.shape == (2, 9, 32)
    ids = AutoTokenizer.from_pretrained(folders / "t5")("gem", return_tensors="pt")["input_ids"]
    wanted = T5Model.from_pretrained(folders / "t5").eval().encoder(input_ids=ids).last_hidden_state[0]
    torch.testing.assert_close(tokens.features_BLE[1, 1:4], wanted, atol=1e-5, rtol=0)


def test_they_can_be_trained_on(encoder):
    weight = torch.ones(32, requires_grad=True)
    (encoder(["a gem"]).features_BLE * weight).sum().backward()
    assert weight.grad is not None and weight.grad.any()


def test_what_is_cached_needs_no_model(encoder, monkeypatch):
    first = encoder(["a gem", "a pillar"])
    again = HuggingFaceText(encoder.config, encoder._root)
    assert torch.equal(again(["a pillar", "a gem"]).features_BLE, first.features_BLE[[1, 0]])
    assert "_loaded" not in again.__dict__
    again(["a red gem"])
    assert "_loaded" in again.__dict__


def test_another_model_in_the_same_folder_is_another_model(encoder, folders, tmp_path):
    before = encoder(["a gem"]).features_BLE
    folder = shutil.copytree(folders / "t5", tmp_path / "t5")
    config = replace(encoder.config, encoder=str(folder))
    assert torch.equal(HuggingFaceText(config, encoder._root)(["a gem"]).features_BLE, before)
    torch.manual_seed(1)
    T5Model(T5).save_pretrained(folder)
    assert not torch.allclose(HuggingFaceText(config, encoder._root)(["a gem"]).features_BLE, before, atol=1e-3)


def test_a_damaged_cache_is_written_anew(encoder):
    before = encoder(["a gem"]).features_BLE
    (file,) = encoder._root.glob("*/*")
    file.write_bytes(file.read_bytes()[:50])
    assert torch.equal(encoder(["a gem"]).features_BLE, before)
    assert torch.equal(HuggingFaceText(encoder.config, encoder._root)(["a gem"]).features_BLE, before)


def test_the_cache_is_where_the_environment_says(folders, tmp_path, monkeypatch):
    monkeypatch.setenv("WORLDSIM_CACHE", str(tmp_path / "mine"))
    make_text_encoder(TextConfig(encoder=str(folders / "bert"), width=32))(["a gem"])
    assert len(list((tmp_path / "mine" / "text").glob("*/*.safetensors"))) == 1


def test_too_long(folders, tmp_path):
    def refused(name: str, max_words: int, words: int) -> str:
        encoder = HuggingFaceText(TextConfig(encoder=str(folders / name), width=32, max_words=max_words), tmp_path)
        with pytest.raises(WorldsimError) as error:
            encoder(["red " * words])
        return str(error.value)

    assert "has 7 tokens, and this model reads 6 (max_words)" in refused("t5", 6, 5)
    assert "has 13 tokens, and this model reads 12" in refused("clip", 64, 11)


def test_encoders_that_cannot_be_used(encoder, folders, tmp_path):
    def refused(folder, width: int = 32) -> str:
        with pytest.raises(WorldsimError) as error:
            HuggingFaceText(TextConfig(encoder=str(folder), width=width), tmp_path / "other")(["a gem"])
        return str(error.value)

    assert "nowhere' cannot be loaded" in refused(tmp_path / "nowhere")
    assert "gives 32 features a token and the checkpoint was trained with 64" in refused(folders / "t5", 64)
    pickled = shutil.copytree(folders / "t5", tmp_path / "pickled")
    (pickled / "model.safetensors").unlink()
    (pickled / "pytorch_model.bin").write_bytes(b"a pickle, which is not opened")
    assert "cannot be loaded" in refused(pickled) and "safetensors" in refused(pickled)


def test_without_transformers(encoder, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "transformers", None)
    with pytest.raises(WorldsimError, match=r"needs transformers, which is not installed: pip install 'worldsim\[text"):
        encoder(["a gem"])
