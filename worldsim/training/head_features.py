"""What the heads read: the mean token of the frame being predicted, at every step of recorded episodes.

The simulator goes through each episode as in a roll-out, one step ahead, but after each step the recorded frame takes
the place of the predicted one (teacher forcing): contexts are real, and the heads' answers are for the true action.

Legend: N steps, B episodes side by side, D width.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from worldsim.core.errors import DamagedFileError, WorldsimError
from worldsim.core.records import content_hash, write_atomic
from worldsim.core.seeding import derive_seed
from worldsim.core.types import Context, Episode
from worldsim.data.store import EpisodeTable
from worldsim.simulators.dit import DiTSimulator

_SLOTS = 32  # episodes side by side


@dataclass(frozen=True)
class StepFeatures:
    """One row for each step, in no particular order."""

    token_ND: Tensor
    reward_N: Tensor
    terminated_N: Tensor  # float, 1 where the step ended the episode
    episode_N: Tensor  # int64, which steps belong together

    def __len__(self) -> int:
        return len(self.reward_N)

    @classmethod
    def joined(cls, parts: Sequence[StepFeatures]) -> StepFeatures:
        """Several tables' as one; their episodes stay apart."""
        columns: dict[str, list[Tensor]] = {name: [] for name in ("token_ND", "reward_N", "terminated_N")}
        episodes, base = [], 0
        for part in parts:
            for name, column in columns.items():
                column.append(getattr(part, name))
            episodes.append(part.episode_N + base)
            base += int(part.episode_N.max()) + 1
        return cls(**{name: torch.cat(column) for name, column in columns.items()}, episode_N=torch.cat(episodes))


def table_features(simulator: DiTSimulator, table: EpisodeTable, say: Callable[[str], None]) -> StepFeatures:
    """Features of every step of a table, made once for a table and a simulator's network and kept beside the table.

    Raises WorldsimError for a table of another game, and DamagedFileError when a kept file cannot be read.
    """
    if table.codec != simulator.codec:
        raise WorldsimError(
            f"{table.path} ({table.env_id}) has the action channels {', '.join(table.codec.names)} but "
            f"{simulator.name} takes {', '.join(simulator.codec.names)}; give tables of its own game."
        )
    if "://" in table.path:
        raise WorldsimError(f"{table.path}: features are kept beside the table; copy it to a local folder first.")
    path = Path(table.path).parent / ".features" / f"heads-{_key(simulator, table)}.safetensors"
    if not path.exists():
        part = _compute(simulator, table, say)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, save(vars(part)))
    try:
        return StepFeatures(**load_file(path))
    except (SafetensorError, OSError, TypeError) as error:
        raise DamagedFileError(f"{path} cannot be read ({error}); delete it to have it made again.") from error


def _key(simulator: DiTSimulator, table: EpisodeTable) -> str:
    """The same for two checkpoints that differ in nothing but their heads."""
    trunk = {
        name: content_hash(value.float().cpu().numpy().tobytes())
        for part in (simulator.dit, simulator.vae)
        for name, value in part.state_dict().items()
        if not name.startswith("heads.")
    }
    about = simulator.describe()
    sampling = {key: about[key] for key in ("steps", "context_noise", "precision")}
    return content_hash({"table": table.content_key, "trunk": trunk, **sampling})


def _compute(simulator: DiTSimulator, table: EpisodeTable, say: Callable[[str], None]) -> StepFeatures:
    caught: list[Tensor] = []
    hook = simulator.dit.heads.register_forward_pre_hook(lambda _, inputs: caught.append(inputs[0][:, -1]))
    # Nobody looks at the frames, and decoding them is a third of a step's cost.
    simulator.vae.decode = lambda z_BChw: z_BChw.new_zeros(len(z_BChw), 3, 1, 1)  # type: ignore[method-assign]
    # Of similar length together, so that few slots wait for the longest.
    order = np.argsort(table.episodes.lengths, kind="stable")[::-1]
    parts = []
    try:
        for start in range(0, len(order), _SLOTS):
            numbers = order[start : start + _SLOTS]
            parts.append(_walk(simulator, [table.read_episode(int(i)) for i in numbers], numbers, caught))
            say(f"{table.path}: {min(start + _SLOTS, len(order))} of {len(order)} episodes read for the heads")
    finally:
        hook.remove()
        del simulator.vae.decode  # the class's own again
    return StepFeatures(*(torch.cat([getattr(part, field.name) for part in parts]) for field in fields(StepFeatures)))


@torch.inference_mode()
def _walk(
    simulator: DiTSimulator, episodes: Sequence[Episode], numbers: np.ndarray, caught: list[Tensor]
) -> StepFeatures:
    """``episodes`` come in falling order of their length: slots end from the back."""
    steps_B = np.array([len(episode.actions) for episode in episodes])
    contexts = [Context(episode.frames[:1], episode.actions[:0]) for episode in episodes]
    seeds = [derive_seed(episode.seed, "heads") for episode in episodes]
    state = simulator.reset(contexts, [""] * len(episodes), seeds)
    latents = [simulator._encode(episode.frames).float() for episode in episodes]
    tokens, rewards, ends, which = [], [], [], []
    for t in range(int(steps_B.max())):
        live = int((steps_B > t).sum())
        if live < len(state.time_B):
            state = simulator.branch(state, range(live))
        caught.clear()
        state, _ = simulator.step(state, np.stack([episode.actions[t] for episode in episodes[:live]]))
        state.newest_BChw = torch.stack([latent[t + 1] for latent in latents[:live]])
        tokens.append(caught[-1].half().cpu())
        rewards.append(torch.tensor([float(episode.rewards[t]) for episode in episodes[:live]]))
        ends.append(torch.tensor([float(e.terminated and t + 1 == len(e.actions)) for e in episodes[:live]]))
        which.append(torch.from_numpy(numbers[:live].astype(np.int64)))
    return StepFeatures(*(torch.cat(column).clone() for column in (tokens, rewards, ends, which)))
