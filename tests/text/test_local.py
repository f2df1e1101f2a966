"""Prompts expanded through transformers, by tiny language models of random weights in folders."""

from __future__ import annotations

import shutil

import pytest

pytest.importorskip("transformers")

import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from worldsim.core.errors import WorldsimError
from worldsim.text.expander import make_expander

CHAT = "{% for m in messages %}{{ m['role'] }} {{ m['content'] }} {% endfor %}assistant"


@pytest.fixture(scope="module")
def model_folder(style, tmp_path_factory):
    """A language model as save_pretrained leaves one; it goes on with words of the captions."""
    folder = tmp_path_factory.mktemp("llm") / "tiny"
    marks = ["<pad>", "<s>", "</s>", "<unk>", "system", "user", "assistant", "Prompt", "Caption", ":"]
    words = [*marks, *(word for word in style.words if word not in marks)]
    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    torch.manual_seed(3)
    model = LlamaForCausalLM(
        LlamaConfig(
            hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=2,
            vocab_size=len(words), max_position_embeddings=2048, pad_token_id=0, bos_token_id=1, eos_token_id=2,
        )
    )  # fmt: skip
    with torch.no_grad():
        for weights in model.parameters():
            if weights.ndim > 1:
                weights.mul_(12)  # loud weights, so that what is read decides what is said
        model.lm_head.weight[: len(marks)] = 0
    model.save_pretrained(folder)
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", bos_token="<s>", eos_token="</s>", unk_token="<unk>"
    ).save_pretrained(folder)
    return folder


def test_captions_depend_on_the_prompt_alone(model_folder, style):
    expander = make_expander("transformers", style, model=str(model_folder), max_tokens=9)
    prompts = ["a red pillar", "", "walks forward", "a blue arch at night"]
    captions = expander.expand(prompts)
    assert captions == expander.expand(prompts) and captions[1] == ""
    assert len(set(captions)) == 4 and all(1 <= len(text.split()) <= 9 for text in captions if text)
    assert expander.expand(["a red pillar"]) == captions[:1]


def test_a_chat_template_is_used_where_there_is_one(model_folder, style, tmp_path, monkeypatch):
    folder = shutil.copytree(model_folder, tmp_path / "chat")
    (folder / "chat_template.jinja").write_text(CHAT)
    read = {}
    for name in (folder, model_folder):
        expander = make_expander("transformers", style, model=str(name), max_tokens=3)
        tokenizer, model = expander._loaded
        generate = model.generate

        def spy(generate=generate, tokenizer=tokenizer, name=name, **inputs):
            read[name] = tokenizer.decode(inputs["input_ids"][0])
            return generate(**inputs)

        monkeypatch.setattr(model, "generate", spy)
        assert expander.expand(["a red pillar"])[0]
    assert read[folder].startswith("system") and read[folder].endswith("user Prompt : a red pillar assistant")
    assert read[model_folder].endswith("Prompt : a red pillar Caption :")


def test_models_that_cannot_be_used(model_folder, tmp_path):
    def refused(folder, **settings) -> str:
        with pytest.raises(WorldsimError) as error:
            make_expander("transformers", None, model=str(folder), **settings).expand(["a tower"])
        return str(error.value)

    assert "nowhere' cannot be loaded" in refused(tmp_path / "nowhere")
    assert "max_tokens=0" in refused(model_folder, max_tokens=0)
    pickled = shutil.copytree(model_folder, tmp_path / "pickled")
    (pickled / "model.safetensors").unlink()
    (pickled / "pytorch_model.bin").write_bytes(b"a pickle, which is not opened")
    assert "cannot be loaded" in refused(pickled) and "safetensors" in refused(pickled)
