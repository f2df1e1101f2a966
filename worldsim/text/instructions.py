"""What a language model is asked about a prompt, and how its answer is read."""

from __future__ import annotations

import re

from worldsim.text.style import CaptionStyle
from worldsim.text.vocabulary import is_punctuation

MOST_WORDS = 300  # of the vocabulary that are listed
INSTRUCTION = """\
A video model draws what a caption says. Rewrite the user's prompt as one caption for it, of at most 60 words, on one
line. Keep everything the prompt says. Where it leaves the place, the time of day, things, colours or motion open, fill
in something plausible. Answer with the caption alone."""
STYLE = """
Write in the style of these captions, with the words that they use:
{examples}
The model knows these words alone, so say other things with the nearest of them: {words}."""


def instruction(style: CaptionStyle | None) -> str:
    if style is None:
        return INSTRUCTION
    words = [word for word in style.words if not is_punctuation(word)][:MOST_WORDS]
    examples = "\n".join(f"- {caption}" for caption in style.examples)
    return INSTRUCTION + STYLE.format(examples=examples, words=", ".join(words))


def messages(prompt: str, style: CaptionStyle | None) -> list[dict[str, str]]:
    """For a model that was tuned to chat."""
    return [{"role": "system", "content": instruction(style)}, {"role": "user", "content": f"Prompt: {prompt}"}]


def completion(prompt: str, style: CaptionStyle | None) -> str:
    """For a model that goes on writing: what it writes to the end of the line is the caption."""
    return f"{instruction(style)}\n\nPrompt: {prompt}\nCaption:"


def caption_in(answer: str) -> str:
    """The caption in a model's answer: its first line, without thoughts, label and quotes; "" where there is none."""
    text = re.sub(r"<think>.*?(</think>|\Z)", "", answer, flags=re.DOTALL)
    lines = (re.sub(r"^[\W_]*caption[\W_]*:", "", line.strip(), flags=re.IGNORECASE) for line in text.splitlines())
    cleaned = (" ".join(line.split()).strip(" *_`\"'-") for line in lines)
    return next((line for line in cleaned if re.search(r"\w", line)), "")
