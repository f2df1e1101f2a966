"""Questions to a model behind an OpenAI-compatible endpoint (``POST {url}/chat/completions``), patiently asked."""

from __future__ import annotations

import http.client
import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from worldsim.core.errors import WorldsimError
from worldsim.core.seeding import stream

pause = time.sleep
# Too busy, or broken for the moment: worth asking again.
PASSING_STATUS = (408, 409, 425, 429, 500, 502, 503, 504, 529)
LONGEST_PAUSE_S = 60.0

Read = TypeVar("Read")


@dataclass(frozen=True, kw_only=True)
class ChatConfig:
    """Where the model is and how it is asked; those who ask extend it."""

    url: str  # address up to /v1, for example http://localhost:8000/v1
    model: str  # name of the model there
    key_env: str = "OPENAI_API_KEY"  # environment variable with the key; none is sent where it is not set
    max_tokens: int = 320  # longest answer
    temperature: float | None = None  # of sampling; null: what the endpoint does
    timeout_s: float = 120.0  # for one answer
    retries: int = 5  # after an answer that is late, broken or "busy"
    pause_s: float = 1.0  # before the first retry; doubles each time
    parallel: int = 4  # questions under way at a time

    def __post_init__(self) -> None:
        if not self.url.startswith(("http://", "https://")):
            raise WorldsimError(f"url={self.url!r} is not the address of an endpoint, such as http://localhost:8000/v1")
        if min(self.max_tokens, self.parallel) < 1 or self.retries < 0 or self.timeout_s <= 0 or self.pause_s < 0:
            raise WorldsimError(
                f"max_tokens={self.max_tokens}, parallel={self.parallel}, retries={self.retries}, "
                f"timeout_s={self.timeout_s}, pause_s={self.pause_s}: each question needs a token and some time."
            )


class Chat:
    """Asks for one ``product``, such as a caption, a question; may be used by several threads.

    Late, broken and "busy" answers are asked for again with growing pauses; others are errors at once.
    """

    def __init__(self, config: ChatConfig, product: str):
        self.config, self.product = config, product
        self._key = os.environ.get(config.key_env, "")
        self._opener = urllib.request.build_opener(_NoRedirects())

    def ask(self, messages: Sequence[dict[str, Any]], read: Callable[[str, bool], Read], salt: int = 0) -> Read:
        """What ``read(answer, was_cut_off)`` makes of the answer to ``messages``; where that is empty it asks again.

        ``salt`` tells questions apart, so that those turned away together come back apart. Raises WorldsimError
        when there is nothing after the last retry.
        """
        body: dict[str, Any] = {
            "model": self.config.model,
            "max_tokens": self.config.max_tokens,
            "messages": list(messages),
        }
        if self.config.temperature is not None:
            body["temperature"] = self.config.temperature
        raw = json.dumps(body).encode()
        tries = self.config.retries + 1
        for attempt in range(tries):
            try:
                return self._read(self._post(raw), read)
            except _PassingError as error:
                last = error
            if attempt < tries - 1:
                spread = 1 + 0.5 * stream(salt, "retry", attempt).random()
                pause_s = min(LONGEST_PAUSE_S, self.config.pause_s * 2**attempt * spread)
                pause(max(pause_s, min(LONGEST_PAUSE_S, last.wait_s)))
        raise WorldsimError(f"{self._address} gave no {self.product} in {tries} tries; the last time {last}.")

    @property
    def _address(self) -> str:
        return f"{self.config.url.rstrip('/')}/chat/completions"

    @staticmethod
    def _read(raw: bytes, read: Callable[[str, bool], Read]) -> Read:
        try:
            choice = json.loads(raw)["choices"][0]
            content = choice["message"]["content"]
            if isinstance(content, list):
                content = "".join(part.get("text", "") for part in content)
            found = read(content, choice.get("finish_reason") == "length")
        except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
            shown = raw[:120].decode(errors="replace")
            raise _PassingError(f"its answer was not a chat completion: {shown!r}") from error
        if not found:
            raise _PassingError("its answer was empty")
        return found

    def _post(self, body: bytes) -> bytes:
        headers = {"Content-Type": "application/json"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        request = urllib.request.Request(self._address, body, headers, method="POST")
        until = time.monotonic() + self.config.timeout_s
        parts = []
        try:
            with self._opener.open(request, timeout=self.config.timeout_s) as response:
                while part := response.read1(1 << 16):
                    parts.append(part)
                    if time.monotonic() > until:  # a server that drips keeps each single read in time
                        raise TimeoutError
            return b"".join(parts)
        except urllib.error.HTTPError as error:
            raise self._refusal(error) from error
        except (TimeoutError, urllib.error.URLError, http.client.HTTPException, OSError) as error:
            if isinstance(error, TimeoutError) or isinstance(getattr(error, "reason", None), TimeoutError):
                raise _PassingError(f"it did not answer within {self.config.timeout_s:g} s (timeout_s)") from error
            raise _PassingError(f"it could not be reached ({getattr(error, 'reason', error)})") from error

    def _refusal(self, error: urllib.error.HTTPError) -> Exception:
        said = f"it answered {error.code} {error.reason}{_message(error)}"
        if error.code in PASSING_STATUS:
            return _PassingError(said, _seconds(error.headers.get("Retry-After")))
        remedy = "check url=, model= and what the model takes"
        if error.code in (401, 403):
            has = "has a key that is not accepted" if self._key else "is not set"
            remedy = f"the environment variable {self.config.key_env} (key_env) {has}"
        return WorldsimError(f"{self._address} wrote no {self.product}: {said}; {remedy}.")


class _PassingError(Exception):
    """Something that may be better the next time, after ``wait_s`` seconds or more."""

    def __init__(self, said: str, wait_s: float = 0.0):
        super().__init__(said)
        self.wait_s = wait_s


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect would carry the key to somewhere else."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


def _message(error: urllib.error.HTTPError) -> str:
    """What the endpoint says of its refusal, as OpenAI's do, or as they please."""
    raw = error.read(4096).decode(errors="replace").strip()
    try:
        said = json.loads(raw)["error"]
        raw = said["message"] if isinstance(said, dict) else str(said)
    except (ValueError, KeyError, TypeError):
        pass
    return f" ({' '.join(raw.split())[:300]})" if raw else ""


def _seconds(text: str | None) -> float:
    try:
        return max(0.0, float(text or 0))
    except ValueError:  # a date
        return 0.0
