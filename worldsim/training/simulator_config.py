"""Settings of training a simulator."""

from __future__ import annotations

from dataclasses import dataclass

from worldsim.core.errors import WorldsimError
from worldsim.training.loop_config import LoopConfig
from worldsim.training.objective import ObjectiveConfig


@dataclass(frozen=True, kw_only=True)
class SimulatorTrainConfig(ObjectiveConfig, LoopConfig):
    """The defaults are the recipe of the shipped streaming models' first stage."""

    optimizer: str = "muon"  # muon: matrices by Muon, the rest by AdamW; or adamw
    frames: int = 14  # of a streaming clip
    shares: tuple[float, ...] = ()  # how often each table is drawn for streaming clips; none: by its frames
    joint_batch: int = 0  # joint clips a step, of the smallest frames; 0: the network learns no joint clips
    joint_frames: int = 13  # of a joint clip; the most where durations differ
    joint_least_frames: int = 0  # of a joint clip, whose duration is then drawn from here on; 0: all are equally long
    joint_groups: int = 1  # sizes and durations packed into a step's joint clips, which share its tokens
    joint_shares: tuple[float, ...] = ()  # how often each table is drawn for joint clips; none: as for streaming
    image_share: float = 0.15  # of the joint batches are single images
    image_captioner: str = ""  # whose captions images are learned with; empty: anyone's
    text: str = ""  # embedded, or a Hugging Face encoder's name or folder; empty: the network reads no text
    text_width: int = 128  # of the words' features; a Hugging Face encoder's own
    text_max_words: int = 40  # longest prompt
    termination_share: float = 0.05  # of the streaming clips hold the end of an episode
    dim: int = 256  # width of the network
    depth: int = 8  # blocks
    heads: int = 4  # of attention
    window: int = 10  # past frames a frame attends to; in joint clips also later ones
    sinks: int = 0  # first frames of a clip that stay visible for ever; they are learned from clips longer than window
    motion: bool = True  # the network is shown what was seen of each place before, moved as the actions move it
    displaced: bool = False  # with motion: it also says where each place comes from; for bodies that move by themselves
    token_px: int = 16  # pixels down and across that a token stands for, where latents are no coarser
    init: str = ""  # run folder of an earlier stage to start from; empty for random weights
    samples: int = 8  # frames dreamed beside a recording at each save, in OUT/samples; 0 for none
    compile: bool = False  # the blocks; needs a C++ compiler

    def __post_init__(self) -> None:
        LoopConfig.__post_init__(self)
        ObjectiveConfig.__post_init__(self)
        if self.joint_batch < 0 or self.joint_frames < 2 or not 0 <= self.image_share <= 1:
            raise WorldsimError(
                f"joint_batch={self.joint_batch} must be 0 or more, joint_frames={self.joint_frames} at least 2 "
                f"and image_share={self.image_share} in [0, 1]."
            )
        if self.token_px < 1:
            raise WorldsimError(f"token_px={self.token_px} must be at least 1 pixel.")
        if self.samples < 0:
            raise WorldsimError(f"samples={self.samples} must be 0 or more frames.")
        if self.joint_groups < 1 or not (
            self.joint_least_frames == 0 or 2 <= self.joint_least_frames <= self.joint_frames
        ):
            raise WorldsimError(
                f"joint_groups={self.joint_groups} must be at least 1 and joint_least_frames={self.joint_least_frames} "
                f"0 or from 2 to joint_frames={self.joint_frames}."
            )

    @property
    def joint_durations(self) -> range:
        """Frames that a joint clip may have."""
        return range(self.joint_least_frames or self.joint_frames, self.joint_frames + 1)
