"""Minari datasets (Farama), read and written by the minari package: frames as raw arrays, without loss."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from worldsim.core.actions import ActionCodec
from worldsim.core.errors import DamagedFileError, MissingDependencyError, WorldsimError
from worldsim.core.types import Episode
from worldsim.data.formats.source import ImportOptions, Recording, Source, require_folder
from worldsim.data.store import EpisodeTable

ABOUT = "worldsim"  # our entry in the dataset's metadata: what Minari has no place for


def export(table: EpisodeTable, out: Path, episodes: list[int], lossless: bool) -> None:
    """Write ``episodes`` of a table as the dataset ``out``, whose ``data`` folder Minari reads.

    ``minari.load_dataset("name")`` finds it where ``out`` is ``$MINARI_DATASETS_PATH/name``.
    """
    from gymnasium import spaces

    minari = _minari()
    if not len(table.codec):
        raise WorldsimError(f"{table.path} has no actions, which a Minari dataset needs; export it as mp4.")
    shape = table.frame_shape
    storage = minari.dataset.minari_storage.MinariStorage.new(
        _fresh(out / "data"),
        observation_space=spaces.Box(0, 255, shape, np.uint8),
        action_space=table.codec.space(),
        jpeg_encoding=False,
    )
    about = {
        "env_id": table.env_id,
        "env_kwargs": table.info.env_kwargs,
        "fps": table.fps,
        "codec": table.codec.to_json(),
        "captions": {number: table.read_episode(episode).caption for number, episode in enumerate(episodes)},
    }
    name = out.name if _is_minari_name(out.name) else "worldsim-v0"
    storage.update_metadata({"dataset_id": name, "minari_version": minari.__version__, ABOUT: json.dumps(about)})
    for episode in (table.read_episode(number) for number in episodes):
        storage.update_episodes([_buffer(episode, table.codec)])


def open_source(path: Path, options: ImportOptions) -> Source:
    """The Minari dataset in a folder: the one that has ``data``, or that itself."""
    minari = _minari()
    folder = require_folder(path, "format=minari needs the folder of a dataset")
    folder = folder / "data" if (folder / "data").is_dir() else folder
    try:
        dataset = minari.MinariDataset(folder)
        observation_space, action_space = dataset.observation_space, dataset.action_space
        about = json.loads(dataset.storage.metadata.get(ABOUT, "{}"))
    except (OSError, ValueError, KeyError, AssertionError) as error:
        raise DamagedFileError(f"{folder} cannot be read as a Minari dataset ({error}); restore it.") from error
    key, size = _image(observation_space, options.camera, folder)
    codec = ActionCodec.from_json(about["codec"]) if about else ActionCodec.from_space(action_space)
    fps = options.fps or about.get("fps")
    if not fps:
        raise WorldsimError(f"{folder} does not say how many steps a second has; give fps=, such as fps=30.")
    env_id = about.get("env_id") or (dataset.env_spec.id if dataset.env_spec else f"minari/{dataset.id}")
    kwargs = about.get("env_kwargs", {})
    captions = about.get("captions", {})
    recordings = [
        Recording(
            f"episode_{number}",
            partial(_read, dataset, int(number), key, codec, (env_id, kwargs, float(fps))),
            [captions[str(number)]] if captions.get(str(number)) else [],
        )
        for number in dataset.episode_indices
    ]
    return Source(env_id, float(fps), codec, size, recordings, kwargs)


def _read(dataset: Any, number: int, key: str | None, codec: ActionCodec, about: tuple[str, dict[str, Any], float]):
    try:
        (data,) = dataset.storage.get_episodes([number])
        (meta,) = dataset.storage.get_episode_metadata([number])
    except (OSError, KeyError, ValueError, AssertionError, RuntimeError) as error:
        raise DamagedFileError(f"episode {number} of {dataset.storage.data_path} cannot be read ({error}).") from error
    frames = np.asarray(data["observations"] if key is None else data["observations"][key], np.uint8)
    if frames.shape[-1] == 1:
        frames = frames.repeat(3, axis=-1)
    steps = len(data["rewards"])
    if len(frames) != steps + 1:
        raise DamagedFileError(f"episode {number} has {len(frames)} observations for {steps} steps.")
    actions = [codec.encode(_at(data["actions"], t)) for t in range(steps)]
    env_id, kwargs, fps = about
    return Episode(
        frames=frames,
        actions=np.array(actions, np.float32).reshape(steps, len(codec)),
        rewards=np.asarray(data["rewards"], np.float32),
        terminated=bool(data["terminations"][-1]),
        truncated=bool(data["truncations"][-1]),
        env_id=env_id,
        seed=int(meta.get("seed") or 0),
        fps=fps,
        env_kwargs=kwargs,
    )


def _at(actions: Any, t: int) -> Any:
    return {key: part[t] for key, part in actions.items()} if isinstance(actions, dict) else actions[t]


def _image(space: Any, wanted: str | None, folder: Path) -> tuple[str | None, tuple[int, int]]:
    """The key of the image among the observations, None where they are the image; and its size."""
    from gymnasium import spaces

    def is_image(part: Any) -> bool:
        right = isinstance(part, spaces.Box) and part.dtype == np.uint8 and len(part.shape) == 3
        return right and part.shape[-1] in (1, 3)

    if is_image(space):
        height, width, _ = space.shape
        return None, (height, width)
    parts = dict(space.items()) if isinstance(space, spaces.Dict) else {}
    found: dict[str, Any] = {key: part for key, part in parts.items() if is_image(part)}
    if wanted in found or (wanted is None and len(found) == 1):
        key = wanted or next(iter(found))
        height, width, _ = found[key].shape
        return key, (height, width)
    have = f"has the images {', '.join(found)}; choose one with camera=" if found else "has no images (uint8 H, W, 3)"
    raise WorldsimError(f"{folder} observes {space}: it {have}.")


def _buffer(episode: Episode, codec: ActionCodec) -> Any:
    decoded = [codec.decode(action) for action in episode.actions]
    actions: Any = np.array(decoded)
    if isinstance(decoded[0], dict):
        actions = {key: np.array([one[key] for one in decoded]) for key in decoded[0]}
    steps = len(episode.actions)
    last = np.arange(steps) == steps - 1
    return _minari().data_collector.EpisodeBuffer(
        seed=episode.seed,
        observations=episode.frames,
        actions=actions,
        rewards=list(episode.rewards),
        terminations=list(last & episode.terminated),
        truncations=list(last & episode.truncated),
    )


def _fresh(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WorldsimError(f"cannot write {folder} ({error.strerror}); choose another out=.") from error
    return folder


def _is_minari_name(name: str) -> bool:
    from minari.dataset.minari_dataset import DATASET_ID_RE

    return DATASET_ID_RE.match(name) is not None and "-v" in name


def _minari() -> Any:
    try:
        import minari
        import minari.data_collector
        import minari.dataset.minari_storage
    except ImportError as error:
        raise MissingDependencyError("minari", "exchange", "reading and writing Minari datasets") from error
    return minari
