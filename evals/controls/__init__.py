"""Controls by name: simulators whose score is known, so that a suite can be checked. ``role`` says what each is for.

"oracle" is the real game and must score best; "ceiling" is what a model's own autoencoder allows; "null" knows nothing
that the suite asks for and must score worst; "fault" is the game with one thing wrong and must score the less, the
more of it is wrong. Those with ``replays`` need a game that can be branched exactly.
"""

from __future__ import annotations

from evals.controls.planted import FAULTS, PREFIX
from worldsim.core.registry import Registry

CONTROLS = Registry("control")
CONTROLS.add(
    "oracle",
    "evals.controls.oracle:Oracle",
    "the real game, replayed under the given actions",
    role="oracle",
    replays=True,
)
CONTROLS.add(
    "oracle_vae",
    "evals.controls.oracle_vae:OracleVae",
    "the game's frames through the model's autoencoder: the best the model could do",
    role="ceiling",
)
CONTROLS.add(
    "ignore_prompt",
    "evals.controls.ignore_prompt:IgnorePrompt",
    "the real game, which does the same whatever the prompt says; only where prompts are asked",
    role="null",
    replays=True,
)
CONTROLS.add("last_frame", "evals.controls.last_frame:LastFrame", "the last context frame, for ever", role="null")
CONTROLS.add(
    "wrong_action",
    "evals.controls.wrong_action:WrongAction",
    "the real game under actions not asked for",
    role="null",
    replays=True,
)
CONTROLS.add(
    "constant_velocity",
    "evals.controls.constant_velocity:ConstantVelocity",
    "bodies go on as fast as they were, through everything; only where bodies are followed",
    role="null",
)
CONTROLS.add(
    "other_seed",
    "evals.controls.other_seed:OtherSeed",
    "another world of the game, in which the same things are done",
    role="null",
)
CONTROLS.add(
    "copy_context", "evals.controls.copy_context:CopyContext", "the context frames, again and again", role="null"
)
CONTROLS.add(
    "blurred_oracle",
    "evals.controls.blurred_oracle:BlurredOracle",
    "the real game, blurred beyond recognition; only where detail is asked for",
    role="null",
    replays=True,
)
CONTROLS.add(
    "nearest_training_clip",
    "evals.controls.nearest_training_clip:NearestTrainingClip",
    "what followed the most similar moment of the training data; only where training_data is given",
    role="null",
)
for _fault in FAULTS:
    CONTROLS.add(
        f"{PREFIX}{_fault.name}",
        "evals.controls.planted.fault:PlantedFault",
        f"planted fault: {_fault.summary}",
        role="fault",
        replays=True,
        number="its severity, above 0 and up to 1 (1 unless given)",
    )
UNPLANTED = tuple(entry.name for entry in CONTROLS if entry.info["role"] != "fault")


def is_control(name: str) -> bool:
    """Whether ``name``, which may carry an argument, is a control's."""
    return name.partition("@")[0].partition(":")[0] in CONTROLS
