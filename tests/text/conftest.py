"""Captions like those of a recording, and a language model behind an endpoint."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from chat_server import ChatServer
from scene_captions import every_caption

from worldsim.text.style import CaptionStyle


@pytest.fixture(scope="session")
def captions() -> list[str]:
    return list(every_caption())


@pytest.fixture(scope="session")
def style(captions) -> CaptionStyle:
    return CaptionStyle.of_captions(captions)


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    running = ChatServer("Caption: a red pillar in a snowy plain at night")
    yield running
    running.stop()
