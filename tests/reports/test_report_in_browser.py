"""The report in a real browser: opens offline without an error or a request, plays in step, obeys the keyboard."""

import base64
import itertools
import json
import shutil
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest

from reports.html import write_report

websocket = pytest.importorskip("websocket", reason="websocket-client (a dev dependency) is not installed")

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine")
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --disable-dev-shm-usage --mute-audio --hide-scrollbars "
    "--remote-debugging-port=0 --remote-allow-origins=*"
).split()


class Browser:
    """Chromium over its DevTools protocol: enough to open a page, run script, press keys and take pictures."""

    def __init__(self, profile: Path):
        self.process = subprocess.Popen(
            [CHROMIUM, *FLAGS, f"--user-data-dir={profile}", "about:blank"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        port = self._port(profile / "DevToolsActivePort")
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list") as answer:
            (target,) = [page for page in json.load(answer) if page["type"] == "page"]
        self.socket = websocket.create_connection(target["webSocketDebuggerUrl"], timeout=30)
        self.numbers, self.events = itertools.count(1), []
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def _port(self, path: Path) -> int:
        for _ in range(300):
            if path.exists() and (lines := path.read_text().splitlines()):
                return int(lines[0])
            time.sleep(0.1)
        raise TimeoutError("chromium did not start")

    def call(self, method, **params):
        number = next(self.numbers)
        self.socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            message = json.loads(self.socket.recv())
            if message.get("id") == number:
                assert "error" not in message, message
                return message["result"]
            self.events.append(message)

    def run(self, script):
        result = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def wait_for(self, condition, seconds=20):
        for _ in range(int(seconds * 20)):
            if self.run(f"Boolean({condition})"):
                return
            time.sleep(0.05)
        raise AssertionError(f"never became true: {condition}")

    def open(self, page: Path, width=1280, height=900):
        self.events.clear()
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.call("Page.navigate", url=page.as_uri())
        self.wait_for("document.readyState === 'complete' && document.querySelectorAll('#grid video').length")
        self.wait_for("[...document.querySelectorAll('#grid video')].every(v => v.readyState >= 2 && !v.seeking)")

    def press(self, key, code, shift=False):
        common = {"key": key, "code": code, "modifiers": 8 if shift else 0}
        common["windowsVirtualKeyCode"] = {"Space": 32, "ArrowLeft": 37, "ArrowRight": 39, "Tab": 9}[code]
        self.call("Input.dispatchKeyEvent", type="keyDown", text=" " if code == "Space" else "", **common)
        self.call("Input.dispatchKeyEvent", type="keyUp", **common)

    def picture(self, path: Path, dark=False):
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.call("Emulation.setEmulatedMedia", features=scheme)
        data = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True)["data"]
        path.write_bytes(base64.b64decode(data))

    def close(self):
        self.socket.close()
        self.process.terminate()
        self.process.wait(timeout=20)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    browser = Browser(tmp_path_factory.mktemp("profile"))
    yield browser
    browser.close()
