"""The endpoint captioner against a real HTTP server that answers, and misbehaves, as endpoints do."""

from __future__ import annotations

import base64
import json

import cv2
import numpy as np
import pytest
from chat_server import SILENT, ChatServer, completion

from worldsim.captions.clip import places, read_clips
from worldsim.captions.endpoint import EndpointCaptioner, EndpointConfig
from worldsim.captions.run import caption_table
from worldsim.core.errors import WorldsimError
from worldsim.data.store import EpisodeTable

GOOD = "DENSE: A red pillar stands in an arena. The player turns.\nSHORT: The player turns.\nCOMMAND: turn left"


@pytest.fixture
def endpoint(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    server = ChatServer(GOOD)
    yield server
    server.stop()


def captioner(endpoint: ChatServer, **settings) -> EndpointCaptioner:
    defaults = {"url": endpoint.url, "model": "org/tiny-vlm", "pause_s": 0.01, "retries": 3, "parallel": 1}
    return EndpointCaptioner(EndpointConfig(**defaults | settings))


@pytest.fixture(scope="module")
def clip(voxel_table):
    return next(read_clips(voxel_table, places(voxel_table, [20], 20)))


def test_a_request_shows_the_frames_and_reads_three_captions(endpoint, clip):
    texts = captioner(endpoint, images=3, image_px=128, temperature=0.0).caption(clip)
    assert texts == [
        "A red pillar stands in an arena. The player turns.",
        "The player turns.",
        "turn left",
    ]
    (request,), (headers,) = endpoint.requests, endpoint.headers
    assert request["path"] == "/v1/chat/completions"
    assert (request["model"], request["temperature"]) == ("org/tiny-vlm", 0.0)
    assert headers["Authorization"] == "Bearer sk-secret"
    text, *images = request["messages"][0]["content"]
    assert text["type"] == "text" and "These 3 frames" in text["text"] and "1.0 seconds" in text["text"]
    wanted = clip.read_frames(np.array([0, 10, 19]))
    for image, frame in zip(images, wanted, strict=True):
        kind, _, data = image["image_url"]["url"].partition(",")
        assert image["type"] == "image_url" and kind == "data:image/png;base64"
        shown = cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR)
        assert shown.shape == (128, 128, 3)
        assert np.array_equal(shown[::2, ::2, ::-1], frame)


def test_jpeg_and_no_key(endpoint, clip, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY")
    captioner(endpoint, images=1, image_format="jpeg").caption(clip)
    url = endpoint.requests[0]["messages"][0]["content"][1]["image_url"]["url"]
    assert url.startswith("data:image/jpeg;base64,") and base64.b64decode(url.partition(",")[2])[:2] == b"\xff\xd8"
    assert "Authorization" not in endpoint.headers[0]


@pytest.mark.parametrize(
    "bad",
    [
        (429, json.dumps({"error": {"message": "slow down"}}), {"Retry-After": "0.05"}),
        (500, "<html>oops</html>", {}),
        (503, "", {}),
        (200, '{"choices": [{"mess', {}),
        (200, "[]", {}),
        (200, json.dumps({"choices": []}), {}),
        (200, completion("  "), {}),
        (200, json.dumps({"choices": [{"message": {"content": None}}]}), {}),
    ],
)
def test_what_may_pass_is_asked_again(endpoint, clip, bad):
    endpoint.script = [bad, bad]
    assert len(captioner(endpoint).caption(clip)) == 3
    assert len(endpoint.requests) == 3
    assert endpoint.requests[0] == endpoint.requests[2]


def test_a_silent_server_is_asked_again(endpoint, clip):
    endpoint.script = [SILENT]
    assert len(captioner(endpoint, timeout_s=1.0).caption(clip)) == 3
    assert len(endpoint.requests) >= 2


def test_pauses_grow_and_are_as_long_as_the_endpoint_asks(endpoint, clip, monkeypatch):
    busy = (429, "", {})
    endpoint.script = [busy, busy, busy, (429, "", {"Retry-After": "7"})]
    pauses: list[float] = []
    monkeypatch.setattr("worldsim.text.chat.pause", pauses.append)
    captioner(endpoint, retries=4, pause_s=0.5).caption(clip)
    assert 0.5 <= pauses[0] < 0.75 and 1.0 <= pauses[1] < 1.5 and 2.0 <= pauses[2] < 3.0
    assert pauses[3] == 7.0


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ((429, json.dumps({"error": {"message": "slow down"}}), {}), "it answered 429 Too Many Requests (slow down)"),
        ((200, '{"choices": [{"mess', {}), """its answer was not a chat completion: '{"choices": [{"mess'"""),
        ((200, completion("**"), {}), "its answer was empty"),
        (SILENT, "it did not answer within 0.3 s (timeout_s)"),
    ],
)
def test_what_does_not_pass_is_said_after_the_last_retry(endpoint, clip, bad, says):
    endpoint.script = [bad] * 9
    with pytest.raises(WorldsimError) as error:
        captioner(endpoint, timeout_s=0.3 if bad == SILENT else 60, retries=1).caption(clip)
    assert f"{endpoint.url}/chat/completions gave no caption in 2 tries; the last time {says}" in str(error.value)
    assert len(endpoint.requests) == 2


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ((401, "", {}), "the environment variable OPENAI_API_KEY (key_env) has a key that is not accepted"),
        (
            (404, json.dumps({"error": {"message": "no model org/tiny-vlm"}}), {}),
            "404 Not Found (no model org/tiny-vlm)",
        ),
        ((400, json.dumps({"error": "images are not taken"}), {}), "(images are not taken); check url=, model="),
        ((302, "", {"Location": "http://127.0.0.1:9/elsewhere"}), "it answered 302"),
    ],
)
def test_what_will_not_pass_is_said_at_once_and_without_the_key(endpoint, clip, bad, says):
    endpoint.script = [bad]
    with pytest.raises(WorldsimError) as error:
        captioner(endpoint).caption(clip)
    assert says in str(error.value) and "sk-secret" not in str(error.value)
    assert len(endpoint.requests) == 1


def test_nobody_there(endpoint, clip):
    endpoint.stop()
    with pytest.raises(WorldsimError, match=r"gave no caption in 2 tries; the last time it could not be reached"):
        captioner(endpoint, retries=1).caption(clip)


def test_an_answer_that_was_cut_ends_with_its_last_whole_sentence(endpoint, clip):
    endpoint.script = [(200, completion("A red pillar. A blue cu", finish_reason="length"), {})]
    assert captioner(endpoint).caption(clip) == ["A red pillar."]


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"url": "localhost:8000"}, "url='localhost:8000' is not the address"),
        ({"image_format": "jpg"}, "unknown image format 'jpg'. Did you mean 'jpeg'"),
        ({"images": 0}, "images=0"),
        ({"timeout_s": 0}, "timeout_s=0"),
    ],
)
def test_settings_that_cannot_work(settings, says):
    with pytest.raises(WorldsimError) as error:
        EndpointConfig(**{"url": "http://x/v1", "model": "m"} | settings)
    assert says in str(error.value)


def test_a_table_in_parallel_and_on_after_a_failure(endpoint, table_copy):
    """What was answered before the failure is not asked again, and the table ends as without it."""
    endpoint.delay_s = 0.03
    endpoint.script = [(200, completion(GOOD), {})] * 6 + [(400, "", {})]
    with pytest.raises(WorldsimError, match=r"(\d+) of (\d+) clips are captioned and kept; the same command goes on"):
        caption_table(table_copy, captioner(endpoint, parallel=3), lengths=[30], stride=15)
    answered = len(endpoint.requests) - 1
    assert 6 <= answered <= 12  # those under way, and what the threads took before they heard of it
    assert EpisodeTable.open(table_copy).captioners == []
    did = caption_table(table_copy, captioner(endpoint, parallel=3), lengths=[30], stride=15)
    assert (did.had, did.captioned) == (answered, did.clips - answered)
    assert len(endpoint.requests) == did.clips + 1
    assert 2 <= endpoint.most_busy <= 3
    table = EpisodeTable.open(table_copy)
    assert table.captioners == [("endpoint-tiny-vlm", 1)]
    assert len(table.captions()) == 3 * did.clips
