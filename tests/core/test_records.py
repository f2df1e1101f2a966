"""Records on disk: whole or not at all, resumable after a cut, and damaged files named with the line."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from worldsim.core.errors import DamagedFileError
from worldsim.core.records import (
    RunRecord,
    append_row,
    append_rows,
    content_hash,
    file_hash,
    read_json,
    read_rows,
    to_plain,
    write_atomic,
    write_json,
)


def test_numbers_become_plain(tmp_path):
    value = {"a": np.float32(1.5), "b": np.arange(3), "c": float("nan"), 4: (np.bool_(True), tmp_path), "d": np.inf}
    assert to_plain(value) == {"a": 1.5, "b": [0, 1, 2], "c": None, "4": [True, str(tmp_path)], "d": None}


def test_hashes_name_content():
    assert content_hash({"a": 1, "b": [2.0]}) == content_hash({"b": [2.0], "a": 1}) == "526e4ffbf8ddf0ed"
    assert content_hash({"a": 2, "b": [2.0]}) != content_hash({"a": 1, "b": [2.0]})
    assert content_hash(b"worldsim") == "4133abab4dff2cba"


def test_a_file_is_hashed_by_its_bytes(tmp_path):
    (tmp_path / "a").write_bytes(b"worldsim")
    assert file_hash(tmp_path / "a") == content_hash(b"worldsim")


def test_a_failed_write_leaves_the_old_content(tmp_path, monkeypatch):
    path = tmp_path / "deep" / "value.json"
    write_json(path, {"old": 1})

    def full_disk(descriptor):
        raise OSError("No space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(OSError, match=r"No space"):
        write_json(path, {"new": 2})
    assert read_json(path) == {"old": 1}


def test_a_reader_never_sees_a_part(tmp_path):
    """While one process writes over and over, and is killed, what is read is always one of the two contents."""
    path = tmp_path / "value"
    script = (
        "import sys; from worldsim.core.records import write_atomic\n"
        "while True:\n    for letter in 'ab':\n        write_atomic(sys.argv[1], letter * 200_000)\n"
    )
    writer = subprocess.Popen([sys.executable, "-c", script, str(path)])
    try:
        while not path.exists():
            assert writer.poll() is None
            time.sleep(0.01)
        seen: set[str] = set()
        reads = 0
        while reads < 100 or seen != {"a", "b"}:
            assert writer.poll() is None
            reads += 1
            text = path.read_text()
            assert len(text) == 200_000
            assert len(set(text)) == 1
            seen.add(text[0])
    finally:
        writer.send_signal(signal.SIGKILL)
        writer.wait()
    assert path.read_text() in ("a" * 200_000, "b" * 200_000)


def test_garbled_json_is_named(tmp_path):
    write_atomic(tmp_path / "x.json", '{"a": ')
    with pytest.raises(DamagedFileError, match=r"x.json is not valid JSON .*; delete it or restore it"):
        read_json(tmp_path / "x.json")
    (tmp_path / "x.json").write_bytes(b"\xff\xfe\xfa")
    with pytest.raises(DamagedFileError):
        read_json(tmp_path / "x.json")


def test_rows_are_appended_and_read(tmp_path):
    path = tmp_path / "rows.jsonl"
    assert read_rows(path) == []
    append_row(path, {"a": np.int64(1)})
    append_row(path, {"text": "zwei\nZeilen"})
    assert read_rows(path) == [{"a": 1}, {"text": "zwei\nZeilen"}]
    assert path.read_bytes().count(b"\n") == 2


def test_many_rows_are_appended_at_once_as_one_after_another(tmp_path):
    rows = [{"a": np.float64(0.5)}, {"text": "x" * 5000}, {"b": [1, 2]}]
    plain = append_rows(tmp_path / "many.jsonl", rows)
    for row in rows:
        append_row(tmp_path / "single.jsonl", row)
    assert plain == read_rows(tmp_path / "many.jsonl")
    assert (tmp_path / "many.jsonl").read_bytes() == (tmp_path / "single.jsonl").read_bytes()


@pytest.mark.parametrize("cut", [1, 5, 9])
def test_a_last_line_cut_by_a_kill_is_left_out_and_can_be_removed(tmp_path, cut):
    path = tmp_path / "rows.jsonl"
    append_row(path, {"a": 1})
    append_row(path, {"b": 2})
    whole = path.read_bytes()
    path.write_bytes(whole[:-cut])
    assert read_rows(path) == [{"a": 1}]
    assert path.read_bytes() == whole[:-cut]
    assert read_rows(path, repair=True) == [{"a": 1}]
    append_row(path, {"b": 2})
    assert path.read_bytes() == whole


def test_damage_in_the_middle_is_named_with_its_line(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text('{"a": 1}\n{"b": \n{"c": 3}\n')
    with pytest.raises(DamagedFileError, match=r"rows.jsonl, line 2, is not valid JSON .*; remove that line"):
        read_rows(path)
    path.write_bytes(b'{"a": 1}\n\xff\xff\n')
    with pytest.raises(DamagedFileError, match=r"line 2"):
        read_rows(path, repair=True)


def test_a_run_record_survives_the_disk(tmp_path):
    record = RunRecord("eval", "look", {"steps": 2}, ["steps=2"], seeds={"eval": 0}, planned=3, completed=2, failed=1)
    record.write(tmp_path)
    assert RunRecord.read(tmp_path) == record
    assert record.environment["packages"]["numpy"] == np.__version__


def test_what_is_no_run_is_named(tmp_path):
    with pytest.raises(DamagedFileError, match=r"is not a run: it has no record.json"):
        RunRecord.read(tmp_path)
    write_json(tmp_path / "record.json", {"schema_version": 99})
    with pytest.raises(DamagedFileError, match=r"has schema 99; this worldsim reads schema 1"):
        RunRecord.read(tmp_path)
    write_json(tmp_path / "record.json", {"schema_version": 1, "colour": "red"})
    with pytest.raises(DamagedFileError, match=r"is not a run record: .*colour"):
        RunRecord.read(tmp_path)
    write_json(tmp_path / "record.json", [1])
    with pytest.raises(DamagedFileError, match=r"has schema \?"):
        RunRecord.read(tmp_path)
