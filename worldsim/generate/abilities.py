"""What a checkpoint can make, said before anything is made."""

from __future__ import annotations

from worldsim.core.errors import WorldsimError
from worldsim.generate.plan import VideoPlan
from worldsim.models.autoencoders import Autoencoder, nearest_size
from worldsim.models.checkpoint import read_header
from worldsim.models.dit import DiTConfig, config_from_plain
from worldsim.simulators.checkpoints import Checkpoint, find_checkpoint, shipped_names


def require_able(
    checkpoint: Checkpoint, autoencoder: Autoencoder, config: DiTConfig, plan: VideoPlan, prompt: str
) -> None:
    """WorldsimError when the checkpoint cannot make this, saying why and which can."""
    name, codec, stride = checkpoint.name, checkpoint.codec, autoencoder.temporal_stride
    require_size(plan.size, autoencoder.spatial_stride * config.patch)
    if prompt and config.text is None:
        raise WorldsimError(f"{name} was trained without text, so it cannot follow a prompt{_others('text')}.")
    from_nothing = plan.causal and not plan.given_T.any()
    if (not plan.causal or from_nothing) and not config.joint:
        what = "make a video from nothing" if from_nothing else "make a whole clip at once"
        raise WorldsimError(
            f"{name} was trained frame by frame only: it cannot {what}, just go on from given frames with "
            f"causal=true{_others('joint')}."
        )
    if plan.actions_SA is not None and plan.actions_SA.shape[1] != len(codec):
        raise WorldsimError(
            f"the actions have {plan.actions_SA.shape[1]} channels; {name} knows {len(codec)}: "
            f"{', '.join(codec.names)}. Take clips and actions of the game it learned."
        )
    if plan.causal and stride > 1:
        raise WorldsimError(
            f"the autoencoder of {name} packs {stride} frames into one latent, so it cannot go frame by frame; "
            "give causal=false."
        )
    autoencoder.latent_frames(plan.frames)


def require_size(size: tuple[int, int], unit: int) -> None:
    """WorldsimError naming the nearest size when the sides are not multiples of ``unit``, a patch of latents."""
    if any(side < unit or side % unit for side in size):
        near = nearest_size(*size, unit)
        raise WorldsimError(
            f"a video of {size[0]}x{size[1]} (height x width) cannot be made: both sides have to be multiples of "
            f"{unit}; the nearest size is {near[0]}x{near[1]}, so give height={near[0]} width={near[1]}."
        )


def _others(ability: str) -> str:
    """The shipped checkpoints whose networks have ``ability`` ("text" or "joint"), as the end of a sentence."""
    able = []
    for name in shipped_names():
        config = config_from_plain(read_header(find_checkpoint(name).folder / "dit.safetensors")["config"])
        if getattr(config, ability):
            able.append(name)
    return f"; {' and '.join(able)} can" if able else "; no shipped checkpoint can"
