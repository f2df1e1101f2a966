"""Doom's archive of lumps (WAD), read and written as bytes; the format is 12 bytes of header and a directory."""

from __future__ import annotations

import struct
from collections.abc import Sequence


def read_lump(wad: bytes, name: str) -> bytes:
    """The contents of the first lump called ``name``; KeyError where there is none."""
    count, directory = struct.unpack("<ii", wad[4:12])
    for i in range(count):
        start, size, found = struct.unpack_from("<ii8s", wad, directory + 16 * i)
        if found.rstrip(b"\0") == name.encode():
            return wad[start : start + size]
    raise KeyError(name)


def write_wad(lumps: Sequence[tuple[str, bytes]]) -> bytes:
    """A PWAD of the lumps in that order."""
    body, directory = b"", b""
    for name, data in lumps:
        directory += struct.pack("<ii8s", 12 + len(body), len(data), name.encode())
        body += data
    return struct.pack("<4sii", b"PWAD", len(lumps), 12 + len(body)) + body + directory
