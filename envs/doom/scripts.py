"""Three scripts for rooms of our own, in the bytecode that the engine runs (ACS, format 0): remove, move, add things.

They are called from the console, ``puke -NUMBER ARGUMENTS``: a minus runs a script even if it still runs.
"""

from __future__ import annotations

import struct

REMOVE = 1  # (tid)
MOVE = 2  # (tid, x, y) in map units, to height 0, the floor of our rooms
ADD = 3  # (index in ADDABLE, x, y, tid)
ADDABLE = (
    "ExplosiveBarrel",
    "HealthBonus",
    "ArmorBonus",
    "Stimpack",
    "Medikit",
    "Column",
    "GreenTorch",
    "RedTorch",
    "BlueTorch",
)  # fmt: skip

# The engine's instruction codes.
TERMINATE, PUSH_NUMBER, SPECIAL_1, MULTIPLY, PUSH_ARGUMENT, DROP, SPAWN, SET_POSITION = 1, 3, 4, 16, 28, 54, 149, 283
THING_REMOVE = 132  # action special
FIXED = 65536  # one map unit in the engine's fixed point


def compiled() -> bytes:
    """The BEHAVIOR lump with the three scripts."""
    programs = {
        (REMOVE, 1): [*_argument(0), SPECIAL_1, THING_REMOVE, TERMINATE],
        (MOVE, 3): [*_argument(0), *_fixed(1), *_fixed(2), *_number(0), *_number(0), SET_POSITION, DROP, TERMINATE],
        (ADD, 4): [
            *_argument(0), *_fixed(1), *_fixed(2), *_number(0), *_argument(3), *_number(0), SPAWN, DROP, TERMINATE,
        ],
    }  # fmt: skip
    body, scripts = b"", b""
    for (number, arguments), code in programs.items():
        scripts += struct.pack("<3i", number, 8 + len(body), arguments)
        body += struct.pack(f"<{len(code)}i", *code)
    texts, places = b"", []
    for name in ADDABLE:
        places.append(8 + len(body) + len(texts))
        texts += name.encode() + b"\0"
    texts += b"\0" * (-len(texts) % 4)
    directory = struct.pack("<i", len(programs)) + scripts + struct.pack(f"<{1 + len(places)}i", len(places), *places)
    return b"ACS\0" + struct.pack("<i", 8 + len(body) + len(texts)) + body + texts + directory


def _argument(index: int) -> list[int]:
    return [PUSH_ARGUMENT, index]


def _number(value: int) -> list[int]:
    return [PUSH_NUMBER, value]


def _fixed(index: int) -> list[int]:
    return [*_argument(index), *_number(FIXED), MULTIPLY]
