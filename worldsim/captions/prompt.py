"""What a vision-language model is asked about a clip, and how its answer is read."""

from __future__ import annotations

import re

import numpy as np

from worldsim.captions.clip import Clip
from worldsim.captions.story import tell
from worldsim.captions.wording import Writer

VERSION = 1  # of the prompt and of the reading: raised when either changes
PROMPT = """\
These {images} frames, in order, are from {seconds:.1f} seconds of a video game seen by its player.{facts}
Describe the video for somebody who will draw it: the place, every object with its colour and where it is, how the
camera and the player move, and what happens, in order. Say only what can be seen. Answer in exactly three lines:
DENSE: a description of three to six sentences
SHORT: one sentence
COMMAND: what the player does, as a short command"""
FACTS = "\nThe game's own record says: {facts}"
LABELS = ("dense", "short", "command")


def prompt_for(clip: Clip, images: int, template: str | None, facts: bool) -> str:
    """The text that goes with ``images`` frames of a clip; in a template of one's own the same names are filled in.

    ``facts`` adds what the recording knows, so that the model need not guess what moved.
    """
    known = ""
    if facts:
        # The same words for the same clip: this generator is not shared with anything.
        known = FACTS.format(facts=Writer(tell(clip), np.random.default_rng(0)).write("dense"))
    text = PROMPT if template is None else template
    for name, value in {"images": str(images), "seconds": f"{len(clip) / clip.fps:.1f}", "facts": known}.items():
        text = re.sub(r"\{" + name + r"(:[^}]*)?\}", lambda _, value=value: value, text)  # type: ignore[misc]
    return text


def captions_in(answer: str) -> list[str]:
    """The captions in a model's answer: its labelled lines, or all of it where it labelled none."""
    text = re.sub(r"<think>.*?</think>", "", answer, flags=re.DOTALL).strip()
    pattern = rf"^[\W_]*({'|'.join(LABELS)})[\W_]*?:[\W_]*?(?=\w)(.+?)(?=^[\W_]*(?:{'|'.join(LABELS)})[\W_]*?:|\Z)"
    found = re.findall(pattern, text, flags=re.IGNORECASE | re.DOTALL | re.MULTILINE)
    texts = [part for _, part in found] or [text]
    cleaned = (" ".join(part.split()).strip(" *_`\"'") for part in texts)
    return list(dict.fromkeys(part for part in cleaned if re.search(r"\w", part)))
