"""Frames a second of random clips: our reader beside mp4 and HDF5 readers of the same clips, in the same run.

    python benchmarks/data.py [--seconds 4] [--workers 2] [--episodes 60] [--data TABLE] [--json figures.json]

Every reader gives the same clips in the same order, divided over the same number of processes; files are warm (read
once before the clock starts). mp4 has a key frame every 24 frames, HDF5 one dataset an episode.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import queue
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from machine import print_table, write_json

from worldsim.core.seeding import stream

CLIP_FRAMES, BATCH = 32, 16
READERS = {
    "table, frames in memory": "_from_memory",
    "table, read from disk": "_from_table",
    "mp4 (H.264), PyAV": "_from_mp4",
    "HDF5, gzip, chunks of one frame": "_from_hdf5_gzip",
    "HDF5, raw, chunks of one frame": "_from_hdf5_raw",
}


def places(lengths: np.ndarray, batch: int, rank: int, ranks: int) -> list[tuple[int, int]]:
    """(episode, first frame) of the clips of a batch that fall to one process."""
    rng = stream(0, "benchmark clips", batch)
    starts = np.maximum(lengths - CLIP_FRAMES + 1, 0)
    picks = rng.integers(starts.sum(), size=BATCH)[rank::ranks]
    before = np.cumsum(starts) - starts
    episodes = np.searchsorted(np.cumsum(starts), picks, side="right")
    return [(int(episode), int(pick - before[episode])) for episode, pick in zip(episodes, picks, strict=True)]


def _clip_reader(table: Any, cache_gb: float, share: tuple[int, int]) -> Callable[[int], int]:
    from worldsim.data.clips import ClipReader

    reader = ClipReader([table], CLIP_FRAMES, BATCH, 0, cache_gb=cache_gb, share=share)

    def work(batch: int) -> int:
        frames = reader.batch(batch).frames
        assert frames is not None
        return frames.shape[0] * frames.shape[1]

    return work


def _from_memory(table: Any, folder: Path, rank: int, ranks: int) -> Callable[[int], int]:
    return _clip_reader(table, 64.0, (rank, ranks))


def _from_table(table: Any, folder: Path, rank: int, ranks: int) -> Callable[[int], int]:
    return _clip_reader(table, 0.0, (rank, ranks))


def _from_mp4(table: Any, folder: Path, rank: int, ranks: int) -> Callable[[int], int]:
    import av

    lengths, fps = table.episodes.lengths, table.fps
    containers = [av.open(str(folder / f"{i}.mp4")) for i in range(len(lengths))]
    for container in containers:
        container.streams.video[0].thread_count = 1

    def clip(episode: int, start: int) -> np.ndarray:
        container = containers[episode]
        video = container.streams.video[0]
        assert video.time_base is not None
        container.seek(round(start / fps / video.time_base), stream=video)  # to the key frame before it
        frames: list[np.ndarray] = []
        for frame in container.decode(video):
            assert frame.pts is not None
            if round(frame.pts * video.time_base * fps) >= start:
                frames.append(frame.to_ndarray(format="rgb24"))
            if len(frames) == CLIP_FRAMES:
                break
        return np.stack(frames)

    return lambda batch: sum(len(clip(*place)) for place in places(lengths, batch, rank, ranks))


def _from_hdf5(name: str, table: Any, folder: Path, rank: int, ranks: int) -> Callable[[int], int]:
    import h5py

    file, lengths = h5py.File(folder / name, "r"), table.episodes.lengths

    def work(batch: int) -> int:
        clips = [file[str(episode)][s : s + CLIP_FRAMES] for episode, s in places(lengths, batch, rank, ranks)]
        return np.stack(clips).shape[0] * CLIP_FRAMES

    return work


def _from_hdf5_gzip(*args: Any) -> Callable[[int], int]:
    return _from_hdf5("gzip.h5", *args)


def _from_hdf5_raw(*args: Any) -> Callable[[int], int]:
    return _from_hdf5("raw.h5", *args)


def write_copies(table: Any, folder: Path) -> dict[str, float]:
    """The table's frames as mp4 and HDF5 files in ``folder``; returns megabytes by reader."""
    import h5py

    from worldsim.core.video import write_video

    with h5py.File(folder / "gzip.h5", "w") as small, h5py.File(folder / "raw.h5", "w") as raw:
        for i in range(len(table)):
            frames = table.read_episode(i).frames
            write_video(folder / f"{i}.mp4", frames, table.fps)
            small.create_dataset(str(i), data=frames, chunks=(1, *frames.shape[1:]), compression="gzip")
            raw.create_dataset(str(i), data=frames, chunks=(1, *frames.shape[1:]))
    on_disk = sum(path.stat().st_size for path in (Path(table.path) / "data").iterdir())
    return {
        "table, frames in memory": on_disk / 1e6,
        "table, read from disk": on_disk / 1e6,
        "mp4 (H.264), PyAV": sum(path.stat().st_size for path in folder.glob("*.mp4")) / 1e6,
        "HDF5, gzip, chunks of one frame": (folder / "gzip.h5").stat().st_size / 1e6,
        "HDF5, raw, chunks of one frame": (folder / "raw.h5").stat().st_size / 1e6,
    }


def _process(path: str, folder: Path, rank: int, ranks: int, orders: Any, answers: Any, together: Any) -> None:
    """Reads for as long as each order (reader, seconds) says and answers frames and CPU seconds."""
    from worldsim.data.store import EpisodeTable

    table = EpisodeTable.open(path)
    readers: dict[str, Callable[[int], int]] = {}
    batch = 0
    while (order := orders.get()) is not None:
        name, seconds = order
        if name not in readers:
            readers[name] = globals()[READERS[name]](table, folder, rank, ranks)
            readers[name](0)
        together.wait()
        done, begun, cpu = 0, time.perf_counter(), time.process_time()
        while (elapsed := time.perf_counter() - begun) < seconds:
            batch += 1
            done += readers[name](batch)
        answers.put((done / elapsed, done / (time.process_time() - cpu)))


def measure(path: str, folder: Path, workers: int, seconds: float, repeats: int = 3) -> dict[str, dict[str, Any]]:
    """Frames a second of all processes together, readers in turns so that a busy machine slows all."""
    context = multiprocessing.get_context("spawn")
    orders, answers, together = [context.Queue() for _ in range(workers)], context.Queue(), context.Barrier(workers)
    processes = [
        context.Process(target=_process, args=(path, folder, rank, workers, orders[rank], answers, together))
        for rank in range(workers)
    ]
    for process in processes:
        process.start()
    rates: dict[str, list[tuple[float, float]]] = {name: [] for name in READERS}
    try:
        for _ in range(repeats):
            for name in READERS:
                for inbox in orders:
                    inbox.put((name, seconds / repeats))
                parts = [_answer(answers, processes) for _ in processes]
                rates[name].append((sum(wall for wall, _ in parts), median(cpu for _, cpu in parts)))
    finally:
        for inbox in orders:
            inbox.put(None)
        for process in processes:
            process.join(5)
            process.kill()
    return {
        name: {
            "fps": median(wall for wall, _ in found),
            "fps_cpu": median(cpu for _, cpu in found),
            "repeats": [wall for wall, _ in found],
        }
        for name, found in rates.items()
    }


def _answer(answers: Any, processes: list[Any]) -> tuple[float, float]:
    while True:
        try:
            return answers.get(timeout=1)
        except queue.Empty:
            assert all(process.is_alive() for process in processes), "a reading process failed; it says why above"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=4.0, help="measuring time of each reader (default 4)")
    parser.add_argument("--workers", type=int, default=2, help="reading processes (default 2)")
    parser.add_argument("--episodes", type=int, default=60, help="episodes of 200 steps to record first (default 60)")
    parser.add_argument("--data", metavar="TABLE", help="read this table instead of recording one")
    parser.add_argument("--json", metavar="FILE", help="write the figures here as well")
    args = parser.parse_args()

    from worldsim.data.collect import collect
    from worldsim.data.store import EpisodeTable

    with tempfile.TemporaryDirectory() as scratch:
        path = args.data or f"{scratch}/arena.lance"
        if not args.data:
            collect("voxel/arena", "envs.policies.explorer:make_explorer", args.episodes, path, workers=args.workers)
        table = EpisodeTable.open(path)
        sizes = write_copies(table, Path(scratch))
        frames = int(table.episodes.lengths.sum())
        figures = measure(path, Path(scratch), args.workers, args.seconds)
        results = {name: {**one, "megabytes": sizes[name]} for name, one in figures.items()}
        shape = "x".join(map(str, table.frame_shape[:2]))
    rows = [[name, one["fps"], one["fps_cpu"], one["megabytes"]] for name, one in results.items()]
    print_table(["reader", "frames/s", "per CPU second", "MB on disk"], rows)
    print(
        f"\nRandom clips of {CLIP_FRAMES} frames of {shape} out of {frames} frames, {BATCH} a batch, {args.workers} "
        f"processes, medians of 3 repeats; load {os.getloadavg()[0]:.1f}."
    )
    if args.json:
        settings = {"seconds": args.seconds, "workers": args.workers, "frames": frames, "size": shape}
        write_json(args.json, "data", results, settings)


if __name__ == "__main__":
    main()
