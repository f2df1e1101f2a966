"""Plain-data records on disk: atomic JSON, append-only JSONL that survives kill -9, content hashes, run headers."""

from __future__ import annotations

import hashlib
import json
import math
import os
import platform
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, is_dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from worldsim.core.errors import DamagedFileError

SCHEMA_VERSION = 1


def to_plain(value: Any) -> Any:
    """Numpy, paths and dataclasses become JSON types; NaN and infinities become None (JSON has no such numbers)."""
    if isinstance(value, dict):
        return {str(key): to_plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_plain(part) for part in value]
    if isinstance(value, np.ndarray):
        whole = value.dtype.kind in "biu" or (value.dtype.kind == "f" and bool(np.isfinite(value).all()))
        return value.tolist() if whole else to_plain(value.tolist())
    if isinstance(value, np.generic):
        return to_plain(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Path):
        return str(value)
    if is_dataclass(value) and not isinstance(value, type):
        return to_plain(asdict(value))
    return value


def content_hash(value: Any) -> str:
    """A 16-character hash of plain data (dict order does not matter) or of bytes."""
    raw = value if isinstance(value, bytes) else json.dumps(to_plain(value), sort_keys=True).encode()
    return hashlib.blake2b(raw, digest_size=8).hexdigest()


def file_hash(path: Path) -> str:
    """A 16-character hash of a file's bytes."""
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, lambda: hashlib.blake2b(digest_size=8)).hexdigest()


def write_atomic(path: Path, data: str | bytes) -> None:
    """Write a file so that a reader, or a kill, sees either the old content or the new one, never a part."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    with open(part, "wb") as handle:
        handle.write(data.encode() if isinstance(data, str) else data)
        handle.flush()
        os.fsync(handle.fileno())
    os.replace(part, path)


def write_json(path: Path, value: Any) -> None:
    write_atomic(path, json.dumps(to_plain(value), indent=2, sort_keys=False) + "\n")


def read_json(path: Path) -> Any:
    """Read a JSON file; DamagedFileError names the file and the place when it is cut or garbled."""
    try:
        return json.loads(Path(path).read_text())
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise DamagedFileError(f"{path} is not valid JSON ({error}); delete it or restore it from a copy.") from error


def append_row(path: Path, row: dict[str, Any]) -> dict[str, Any]:
    """Append one JSON line in a single write, on disk before this returns; what was written, as plain data."""
    return append_rows(path, [row])[0]


def append_rows(path: Path, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Append a JSON line for each row as :func:`append_row` does, but wait for the disk once."""
    plain = [to_plain(row) for row in rows]
    data = memoryview("".join(json.dumps(row) + "\n" for row in plain).encode())
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        while data:
            data = data[os.write(descriptor, data) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return plain


def read_rows(path: Path, repair: bool = False) -> list[dict[str, Any]]:
    """Rows of a JSONL file; a last line cut by a kill is ignored, and with ``repair`` also removed from the file.

    Raises DamagedFileError when any other line cannot be read.
    """
    path = Path(path)
    if not path.exists():
        return []
    raw = path.read_bytes()
    whole = raw.rfind(b"\n") + 1
    if whole != len(raw) and repair:
        os.truncate(path, whole)
    return list(_parse(path, raw[:whole]))


def _parse(path: Path, raw: bytes) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(raw.splitlines(), start=1):
        try:
            yield json.loads(line)
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise DamagedFileError(f"{path}, line {number}, is not valid JSON ({error}); remove that line.") from error


@dataclass
class RunRecord:
    """The header of a run: what was run, on what, with what; rows go beside it in ``rows.jsonl``.

    ``kind`` is "eval", "train", "collect" or "rollout"; ``model`` holds checkpoint hash, parameters and training FLOPs.
    """

    kind: str
    name: str
    config: dict[str, Any]
    config_as_typed: list[str] = field(default_factory=list)
    model: dict[str, Any] = field(default_factory=dict)
    seeds: dict[str, int] = field(default_factory=dict)
    suites: dict[str, int] = field(default_factory=dict)  # suite name -> suite version
    planned: int = 0
    completed: int = 0
    unscored: int = 0
    failed: int = 0
    started_utc: str = ""
    finished_utc: str = ""
    wall_s: float = 0.0
    model_s: float = 0.0  # of the wall time of an eval: what the models took,
    control_s: float = 0.0  # what the controls did, their metrics included,
    game_s: float = 0.0  # what finding scenarios and playing them in the real game did, or finding them on disk,
    harness_s: float = 0.0  # and everything else: the models' metrics, files, videos
    schema_version: int = SCHEMA_VERSION
    environment: dict[str, Any] = field(default_factory=lambda: describe_environment())

    def write(self, folder: Path) -> None:
        write_json(Path(folder) / "record.json", asdict(self))

    @classmethod
    def read(cls, folder: Path) -> RunRecord:
        """Read ``folder/record.json``; DamagedFileError when it is missing or is not a run record."""
        path = Path(folder) / "record.json"
        if not path.exists():
            raise DamagedFileError(f"{folder} is not a run: it has no record.json.")
        data = read_json(path)
        if not isinstance(data, dict) or data.get("schema_version") != SCHEMA_VERSION:
            raise DamagedFileError(
                f"{path} has schema {data.get('schema_version') if isinstance(data, dict) else '?'}; "
                f"this worldsim reads schema {SCHEMA_VERSION}."
            )
        try:
            return cls(**data)
        except TypeError as error:
            raise DamagedFileError(f"{path} is not a run record: {error}") from error


def utc_now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def describe_environment() -> dict[str, Any]:
    """Versions, git revision and device of this process, for run records."""
    packages = {}
    for package in ("worldsim", "numpy", "torch", "gymnasium", "vizdoom", "numba"):
        try:
            packages[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return {
        "python": platform.python_version(),
        "packages": packages,
        "git_revision": git_revision(),
        "machine": platform.machine(),
        "cpu_count": os.cpu_count(),
    }


def git_revision() -> str:
    """The revision of the checkout worldsim runs from, with "+changes" when it was edited; "" outside a checkout."""
    folder = Path(__file__).resolve().parent
    try:
        head = subprocess.run(
            ["git", "-C", str(folder), "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True, check=True
        ).stdout.strip()
        dirty = subprocess.run(
            ["git", "-C", str(folder), "status", "--porcelain", "--untracked-files=no"], capture_output=True, text=True
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""
    return head + ("+changes" if dirty else "")
