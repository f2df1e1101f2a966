"""The captioner through transformers, with a tiny Llava of random weights saved to and loaded from a folder."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

pytest.importorskip("transformers")

import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import (
    AutoConfig,
    CLIPVisionConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    PreTrainedTokenizerFast,
)
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from worldsim.captions.clip import places, read_clips
from worldsim.captions.images import shown_frames
from worldsim.captions.run import caption_table
from worldsim.captions.vlm import VlmCaptioner, VlmConfig
from worldsim.core.errors import WorldsimError
from worldsim.data.store import EpisodeTable

WORDS = ["<pad>", "<s>", "</s>", "<unk>", "<image>", "user", "assistant", "frames", "describe", ":"]
WORDS += ["a", "the", "red", "blue", "green", "pillar", "cube", "gem", "block", "player", "turns", "walks", "looks"]
WORDS += ["left", "right", "up", "down", "in", "of", "and", "sees"]
CHAT = (
    "{% for message in messages %}{{ message['role'] }} : {% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<image> {% else %}{{ part['text'] }} {% endif %}{% endfor %}{% endfor %}"
    "{% if add_generation_prompt %}assistant : {% endif %}"
)


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory):
    """A vision-language model in a folder, as save_pretrained leaves one."""
    folder = tmp_path_factory.mktemp("vlm") / "tiny-vlm"
    words = Tokenizer(models.WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=words, pad_token="<pad>", bos_token="<s>", eos_token="</s>", unk_token="<unk>",
        additional_special_tokens=["<image>"],
    )  # fmt: skip
    processor = LlavaProcessor(
        image_processor=CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}),
        tokenizer=tokenizer, patch_size=16, vision_feature_select_strategy="default", chat_template=CHAT,
        num_additional_image_tokens=1,
    )  # fmt: skip
    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    vision = CLIPVisionConfig(**sizes, image_size=32, patch_size=16, projection_dim=32)
    text = LlamaConfig(
        **sizes, vocab_size=len(WORDS), num_key_value_heads=2, max_position_embeddings=2048,
        pad_token_id=0, bos_token_id=1, eos_token_id=2,
    )  # fmt: skip
    model = LlavaForConditionalGeneration(
        LlavaConfig(vision_config=vision, text_config=text, image_token_id=4, vision_feature_layer=-1)
    )
    with torch.no_grad():  # loud weights, so that what is seen decides what is said
        for weights in model.parameters():
            if weights.ndim > 1:
                weights.mul_(12)
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def clips(voxel_table):
    return list(read_clips(voxel_table, places(voxel_table, [40], 40)))


def test_captions_come_from_the_frames(model_folder, clips):
    captioner = VlmCaptioner(VlmConfig(model=str(model_folder), images=3, image_px=64, facts=False, max_tokens=8))
    assert captioner.name == "vlm-tiny-vlm"
    first = [captioner.caption(clip) for clip in clips]
    assert first == [captioner.caption(clip) for clip in clips]
    assert all(1 <= len(text.split()) <= 8 for texts in first for text in texts)
    assert len({texts[0] for texts in first}) > len(first) // 2  # the prompt is the same, the frames are not


def test_the_model_sees_the_shown_frames_and_the_prompt(model_folder, clips, monkeypatch):
    captioner = VlmCaptioner(
        VlmConfig(
            model=str(model_folder), images=4, image_px=64, prompt="describe {images} frames {facts}", max_tokens=2
        )
    )
    processor, model = captioner._loaded
    given = {}
    generate = model.generate

    def spy(**inputs):
        given.update(inputs)
        return generate(**inputs)

    monkeypatch.setattr(model, "generate", spy)
    captioner.caption(clips[0])
    frames = shown_frames(clips[0], 4, 64)
    expected = processor.image_processor(list(frames), return_tensors="pt")["pixel_values"]
    assert torch.equal(given["pixel_values"], expected)
    ids = given["input_ids"][0].tolist()
    assert ids.count(WORDS.index("<image>")) == 4 * (32 // 16) ** 2
    text = processor.tokenizer.decode(ids)
    assert "describe <unk> frames" in text and "player" in text  # the number is filled in, and so is what is known


def test_frames_are_spread_and_enlarged_by_whole_numbers(clips):
    frames = shown_frames(clips[0], 5, 200)
    assert frames.shape == (5, 192, 192, 3)
    assert np.array_equal(frames[[0, -1], ::3, ::3], clips[0].read_frames(np.array([0, len(clips[0]) - 1])))
    assert len(shown_frames(clips[0], 100, 1)) == len(clips[0])


def test_a_table_is_captioned(model_folder, table_copy):
    captioner = VlmCaptioner(VlmConfig(model=str(model_folder), images=2, image_px=64, max_tokens=4))
    did = caption_table(table_copy, captioner, lengths=[0], stride=16)
    table = EpisodeTable.open(table_copy)
    assert did.captioned == len(table) and table.captioners == [("vlm-tiny-vlm", 1)]
    assert table.read_episode(0).caption == captioner.caption(next(read_clips(table, places(table, [0], 16))))[0]


def test_models_that_cannot_be_asked(model_folder, clips, tmp_path):
    def refused(folder) -> str:
        with pytest.raises(WorldsimError) as error:
            VlmCaptioner(VlmConfig(model=str(folder))).caption(clips[0])
        return str(error.value)

    assert "nowhere' cannot be loaded" in refused(tmp_path / "nowhere")

    mute = shutil.copytree(model_folder, tmp_path / "mute")
    (mute / "chat_template.jinja").unlink()
    assert "has no chat template" in refused(mute)

    pickled = shutil.copytree(model_folder, tmp_path / "pickled")
    (pickled / "model.safetensors").unlink()
    (pickled / "pytorch_model.bin").write_bytes(b"a pickle, which is not opened")
    assert "cannot be loaded" in refused(pickled) and "safetensors" in refused(pickled)

    reads_only = shutil.copytree(model_folder, tmp_path / "reads_only")
    AutoConfig.from_pretrained(model_folder).text_config.save_pretrained(reads_only)
    assert "cannot be loaded" in refused(reads_only)

    with pytest.raises(WorldsimError, match="max_tokens=0"):
        VlmConfig(model="x", max_tokens=0)
