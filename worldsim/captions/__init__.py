"""Captions for recorded clips: from state, from a vision-language model, from an OpenAI-compatible endpoint.

A captioner is a class called with its config and a name for its captions, see :mod:`worldsim.captions.captioner`.
``info["config"]`` of its entry is the "module:attribute" of the config's dataclass.
"""

from worldsim.core.registry import Registry

CAPTIONERS = Registry("captioner")
CAPTIONERS.add(
    "state",
    "worldsim.captions.state:StateCaptioner",
    "true sentences from recorded camera, objects, actions and rewards",
    config="worldsim.captions.state:StateConfig",
)
CAPTIONERS.add(
    "vlm",
    "worldsim.captions.vlm:VlmCaptioner",
    "a vision-language model by name or folder, through transformers",
    config="worldsim.captions.vlm:VlmConfig",
)
CAPTIONERS.add(
    "endpoint",
    "worldsim.captions.endpoint:EndpointCaptioner",
    "a vision-language model behind an OpenAI-compatible endpoint",
    config="worldsim.captions.endpoint:EndpointConfig",
)
