"""The files of ``reports/templates``."""

from __future__ import annotations

from importlib import resources


def template(name: str) -> str:
    return (resources.files("reports") / "templates" / name).read_text(encoding="utf-8")
