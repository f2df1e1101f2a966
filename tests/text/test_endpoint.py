"""Prompts expanded behind an endpoint: a real HTTP server on this machine (its misbehaviour: tests of captions)."""

from __future__ import annotations

import pytest
from chat_server import SILENT, ChatServer, completion

from worldsim.core.errors import WorldsimError
from worldsim.text.expander import PromptExpander, make_expander


def expander(server: ChatServer, style=None, **settings) -> PromptExpander:
    defaults = {"url": server.url, "model": "org/tiny-llm", "pause_s": 0.01, "retries": 2, "parallel": 1}
    return make_expander("endpoint", style, **defaults | settings)


def test_a_prompt_is_asked_about_in_the_training_style(server, style):
    assert expander(server, style, temperature=0.5).expand(["a tower", ""]) == [
        "a red pillar in a snowy plain at night",
        "",
    ]
    (request,) = server.requests
    assert (request["model"], request["temperature"], request["path"]) == (
        "org/tiny-llm",
        0.5,
        "/v1/chat/completions",
    )
    system, user = request["messages"]
    assert system["role"] == "system" and all(f"- {example}" in system["content"] for example in style.examples)
    assert "pillar" in system["content"].rpartition("these words alone")[2]
    assert user == {"role": "user", "content": "Prompt: a tower"}
    assert server.headers[0]["Authorization"] == "Bearer sk-secret"


def test_without_a_style(server):
    expander(server).expand(["a tower"])
    assert "captions:" not in server.requests[0]["messages"][0]["content"]


def test_many_prompts_keep_their_order(server):
    server.delay_s = 0.05
    server.script = [(200, completion("same"), {})] * 8
    assert expander(server, parallel=4).expand([f"prompt {i}" for i in range(8)]) == ["same"] * 8
    assert 2 <= server.most_busy <= 4
    echoed = {request["messages"][1]["content"] for request in server.requests}
    assert echoed == {f"Prompt: prompt {i}" for i in range(8)}


def test_busy_empty_and_silent_answers_are_asked_for_again(server):
    server.script = [(429, "", {}), (200, completion("<think>hm</think> **"), {}), SILENT]
    assert expander(server, retries=3, timeout_s=1.0).expand(["a tower"]) == ["a red pillar in a snowy plain at night"]
    assert len(server.requests) == 4


def test_what_does_not_pass_is_said(server):
    server.script = [(503, "", {})] * 3
    with pytest.raises(WorldsimError, match=r"gave no caption in 3 tries; the last time it answered 503"):
        expander(server).expand(["a tower"])
    server.script = [(401, "", {})]
    with pytest.raises(WorldsimError, match=r"OPENAI_API_KEY \(key_env\) has a key that is not accepted"):
        expander(server).expand(["a tower"])
    server.stop()
    with pytest.raises(WorldsimError, match="could not be reached"):
        expander(server, retries=0).expand(["a tower"])
    with pytest.raises(WorldsimError, match="url='localhost' is not the address"):
        expander(server, url="localhost")
