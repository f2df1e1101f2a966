"""Real evaluation runs in the real voxel game, and a real browser to look at their reports.

Most "models" are the game itself seen through ever thicker fog; those of ``shipped`` are the models that we ship.
"""

import os

os.environ.setdefault("NUMBA_NUM_THREADS", "1")

import base64
import itertools
import json
import shutil
import subprocess
import time
import urllib.request
from pathlib import Path

import cv2
import numpy as np
import pytest

from evals.controls.oracle import Oracle
from evals.games import RealGames
from evals.run import evaluate
from worldsim.core.types import Prediction

GAME = ("voxel/arena", {})
SHORT = {"prefix_steps": [8, 16], "context_frames": 8}
OVERRIDES = {
    "control": {"horizon": 12, **SHORT},
    "drift": {"horizon": 24, "horizons": [1, 8, 24], "independent_episodes": 2, **SHORT},
}
SCENARIOS = 6


class Foggy(Oracle):
    """The real game, blurred and noisy in proportion to ``fog`` and the age of the dream; fails for the given seeds."""

    def __init__(self, name, fog, train_flops, fails_for=()):
        super().__init__(RealGames())
        self.name, self.fog, self.train_flops, self.fails_for = name, fog, train_flops, fails_for

    def describe(self):
        return {
            "kind": "foggy",
            "checkpoint": self.name,
            "checkpoint_hash": f"hash of {self.name}",
            "params": 9_500_000,
            "train_flops": self.train_flops,
            "fog": self.fog,
        }

    def rollout(self, state, actions):
        if any(slot.origin.seed in self.fails_for for slot in state):
            raise MemoryError("the fog <is> too thick")
        real = super().rollout(state, actions)
        noise = np.random.default_rng(0).normal(0, 1, real.frames.shape[2:])
        dreamed = np.empty_like(real.frames)
        for slot, age in np.ndindex(real.frames.shape[:2]):
            strength = self.fog * (age + 1) ** 0.5
            soft = cv2.GaussianBlur(real.frames[slot, age], (0, 0), 0.01 + strength)
            dreamed[slot, age] = np.clip(soft + 6 * strength * noise, 0, 255)
        return Prediction(dreamed, real.reward, real.termination_prob)

    def reconstruct(self, frames):
        return np.stack([cv2.GaussianBlur(frame, (0, 0), 0.5) for frame in frames])


def run_eval(simulator, out, **settings):
    evaluate(
        [(simulator, "model")],
        ["control", "drift"],
        [GAME],
        out,
        limit=SCENARIOS,
        config={"simulator": simulator.name, "limit": SCENARIOS},
        config_as_typed=[f"simulator={simulator.name}", "suite=[control,drift]"],
        cache=out.parent / "cache",
        **{"overrides": OVERRIDES, "videos": 4, **settings},
    )
    return out


def read_lines(folder):
    return [json.loads(line) for line in (folder / "rows.jsonl").read_text().splitlines()]


@pytest.fixture(scope="session")
def evaluated(tmp_path_factory):
    """Two runs on the same scenarios: "voxel-base", and "voxel-4x" in thinner fog, which fails one scenario."""
    root = tmp_path_factory.mktemp("runs")
    base = run_eval(Foggy("voxel-base", 0.5, 2e14), root / "voxel-base")
    (seed,) = {
        row["game_seed"] for row in read_lines(base) if row["scenario"].endswith("5") and row["suite"] == "drift"
    }
    large = run_eval(Foggy("voxel-4x", 0.2, 8e14, {seed}), root / "voxel-4x")
    return base, large


@pytest.fixture
def runs(evaluated, tmp_path):
    """A copy of the two runs that a test may damage."""
    return [shutil.copytree(folder, tmp_path / "runs" / folder.name) for folder in evaluated]


@pytest.fixture(scope="session")
def ladder(evaluated):
    """The two runs and a third, "voxel-32x", in the thinnest fog; its compute is not named by the order of the runs."""
    large = evaluated[1].parent / "voxel-32x"
    return [*evaluated, run_eval(Foggy("voxel-32x", 0.05, 64e14), large)]


@pytest.fixture(scope="session")
def shipped(tmp_path_factory):
    """The shipped voxel models on the same two scenarios of suite control, in the folders of a ladder."""
    from worldsim.simulators import load

    root = tmp_path_factory.mktemp("shipped")
    for name in ("voxel-base", "voxel-text"):
        evaluate(
            [(load(name, steps=1), "model")], ["control"], [GAME], root / name / "eval" / "control", limit=2,
            config={"simulator": [name]}, overrides={"control": {"horizon": 4, **SHORT}},
            controls=["oracle", "last_frame"], cache=root / "cache", videos=1,
        )  # fmt: skip
    return [root / name / "eval" / "control" for name in ("voxel-base", "voxel-text")]


CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--mute-audio",
    "--hide-scrollbars",
    "--remote-debugging-port=0",
    "--remote-allow-origins=*",
]
VIDEOS = "[...document.querySelectorAll('#grid video')]"
STILL = f"{VIDEOS}.every(v => v.readyState >= 2 && !v.seeking)"


class Browser:
    """Chromium over its DevTools protocol: enough to open a page, run script, press keys and take pictures."""

    VIDEOS, STILL = VIDEOS, STILL

    def __init__(self, profile: Path):
        self.process = subprocess.Popen(
            [CHROMIUM, *FLAGS, f"--user-data-dir={profile}", "about:blank"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        port = self._port(profile / "DevToolsActivePort")
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list") as answer:
            (target,) = [page for page in json.load(answer) if page["type"] == "page"]
        import websocket

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
        self.wait_for(STILL)

    def choose(self, element, value):
        """Pick an option of a select, or type into a field."""
        kind = "change" if self.run(f"document.getElementById('{element}').tagName") == "SELECT" else "input"
        self.run(
            f"(e => {{ e.value = {json.dumps(value)}; e.dispatchEvent(new Event('{kind}', {{bubbles: true}})); }})"
            f"(document.getElementById('{element}'))"
        )
        self.wait_for(STILL)

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


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    pytest.importorskip("websocket", reason="websocket-client (a dev dependency) is not installed")
    if CHROMIUM is None:
        pytest.skip("there is no chromium on this machine")
    browser = Browser(tmp_path_factory.mktemp("profile"))
    yield browser
    browser.close()
