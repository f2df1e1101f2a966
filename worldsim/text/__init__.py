"""What prompts are made of: words, the vocabulary of training captions, and how short prompts are expanded.

A prompt expander is a class called with its config and a ``CaptionStyle`` (or None), see
:mod:`worldsim.text.expander`. ``info["config"]`` of its entry is the "module:attribute" of the config's dataclass.
"""

from worldsim.core.registry import Registry

PROMPT_EXPANDERS = Registry("prompt expander")
PROMPT_EXPANDERS.add(
    "embedded",
    "worldsim.text.embedded:EmbeddedExpander",
    "a sentence of the training captions that says the same, with synonyms and no language model",
    config="worldsim.text.embedded:EmbeddedConfig",
)
PROMPT_EXPANDERS.add(
    "transformers",
    "worldsim.text.local:TransformersExpander",
    "a language model by name or folder, through transformers",
    config="worldsim.text.local:TransformersConfig",
)
PROMPT_EXPANDERS.add(
    "endpoint",
    "worldsim.text.endpoint:EndpointExpander",
    "a language model behind an OpenAI-compatible endpoint",
    config="worldsim.text.endpoint:EndpointConfig",
)
