"""The report in a real browser: opens offline without an error or a request, plays in step, obeys the keyboard."""

import re
import time

import numpy as np
import pytest

from reports.html import write_report


@pytest.fixture(scope="module")
def report(evaluated, tmp_path_factory):
    return write_report(evaluated, tmp_path_factory.mktemp("report") / "report.html")


@pytest.fixture
def page(browser, report):
    """The report at the first scene, of suite control, and its first frame."""
    browser.open(report)
    browser.choose("scene", "0")
    return browser


def frames_shown(page):
    """The frame that each video stands at."""
    page.wait_for(page.STILL)
    return page.run(f"{page.VIDEOS}.map(v => Math.floor(v.currentTime * 20))")


def scrub_to(page, frame):
    page.run(f"(s => {{ s.value = {frame}; s.dispatchEvent(new Event('input')); }})(document.getElementById('scrub'))")


def test_it_opens_without_an_error_and_without_a_request(page):
    page.run("document.getElementById('play').click()")
    time.sleep(0.3)
    page.run("document.querySelectorAll('details').forEach(d => d.open = true)")
    complaints = ("Runtime.exceptionThrown", "Log.entryAdded", "Runtime.consoleAPICalled")
    assert [event for event in page.events if event["method"] in complaints] == []
    requests = [
        event["params"]["request"]["url"] for event in page.events if event["method"] == "Network.requestWillBeSent"
    ]
    assert any(url.startswith("file:") for url in requests)  # the events do arrive
    assert [url[:80] for url in requests if not url.startswith(("file:", "data:", "blob:"))] == []
    assert sum(url.startswith("file:") for url in requests) == 1


def test_the_events_would_show_an_error_and_a_request(browser, tmp_path):
    bad = tmp_path / "bad.html"
    bad.write_text("<div id=grid><video></video></div><img src='http://127.0.0.1:9/x.png'><script>nowhere()</script>")
    browser.events.clear()
    browser.call("Page.navigate", url=bad.as_uri())
    browser.wait_for("document.readyState === 'complete'")
    methods = [event["method"] for event in browser.events]
    assert "Runtime.exceptionThrown" in methods
    urls = [e["params"]["request"]["url"] for e in browser.events if e["method"] == "Network.requestWillBeSent"]
    assert "http://127.0.0.1:9/x.png" in urls


@pytest.mark.parametrize("frame", [0, 1, 7, 12])
def test_one_scrubber_moves_every_video_to_the_same_frame(page, frame):
    scrub_to(page, frame)
    shown = frames_shown(page)
    assert len(shown) == 8  # two branches of game, two dreams and the ceiling
    assert set(shown) == {frame}
    text = page.run("document.getElementById('where').textContent")
    assert text.startswith(f"frame {frame + 1} of 13 · " + (f"dreamed +{frame}" if frame else "given"))
    assert page.run("document.getElementById('player').classList.contains('dreaming')") == (frame >= 1)


def test_the_picture_is_the_frame_that_the_scrubber_names(page, evaluated):
    from worldsim.core.video import read_video

    scrub_to(page, 9)
    frames_shown(page)
    pixels = page.run(
        f"""(() => {{ const v = {page.VIDEOS}[0], c = document.createElement('canvas'); c.width = v.videoWidth;
        c.height = v.videoHeight; const g = c.getContext('2d'); g.drawImage(v, 0, 0);
        return [...g.getImageData(0, 0, c.width, c.height).data]; }})()"""
    )
    frames, _ = read_video(evaluated[0] / "videos/control/voxel-arena/0000-real_a.mp4")
    seen = np.array(pixels, dtype=float).reshape(*frames.shape[1:3], 4)[..., :3]
    error = [np.abs(seen - frame).mean() for frame in frames]
    assert int(np.argmin(error)) == 9
    assert error[9] < 4


def test_videos_play_and_stay_in_step(page):
    page.run("document.getElementById('scene').selectedIndex = 3")  # the first of drift: longer
    page.run("document.getElementById('scene').dispatchEvent(new Event('change'))")
    page.wait_for(page.STILL)
    page.run("document.getElementById('speed').value = '0.25'")
    page.press(" ", "Space")
    page.wait_for(f"{page.VIDEOS}.every(v => !v.paused && v.currentTime > 0.3)")
    assert page.run("document.getElementById('play').getAttribute('aria-label')") == "Pause"
    page.press(" ", "Space")
    page.wait_for(f"{page.VIDEOS}.every(v => v.paused)")
    shown = frames_shown(page)
    assert max(shown) == min(shown) >= 4
    assert int(page.run("document.getElementById('scrub').value")) == shown[0]


def test_playing_ends_on_the_last_frame_and_starts_anew(page):
    scrub_to(page, 10)
    page.run("document.getElementById('play').click()")
    page.wait_for("document.getElementById('scrub').value === '12' && document.querySelector('#play[aria-label=Play]')")
    assert set(frames_shown(page)) == {12}
    page.run("document.getElementById('play').click()")
    page.wait_for("Number(document.getElementById('scrub').value) < 12")
    page.run("document.getElementById('play').click()")


def test_the_keyboard_steps_frames_and_leaves_other_controls_alone(page):
    for key, shift, expected in (
        ("ArrowRight", False, 1),
        ("ArrowRight", False, 2),
        ("ArrowLeft", False, 1),
        ("ArrowRight", True, 11),
        ("ArrowRight", True, 12),
        ("ArrowLeft", True, 2),
    ):
        page.press(key, key, shift)
        assert set(frames_shown(page)) == {expected}
    page.run("document.getElementById('speed').focus()")
    page.press("ArrowRight", "ArrowRight")
    assert set(frames_shown(page)) == {2}


def test_every_control_can_be_reached_with_the_tabulator_and_has_a_name(page):
    reached = []
    for _ in range(60):
        page.press("Tab", "Tab")
        reached.append(page.run("document.activeElement.id"))
    assert [name for name in ("scene", "play", "back", "forward", "scrub", "speed") if name not in reached] == []
    tree = page.call("Accessibility.getFullAXTree")["nodes"]
    wanted = ("button", "slider", "combobox", "link", "image", "region", "table")
    nameless = [
        node["role"]["value"]
        for node in tree
        if not node.get("ignored") and node.get("role", {}).get("value") in wanted and not node["name"]["value"]
    ]
    assert nameless == []


@pytest.mark.parametrize(("width", "shown"), [(1280, "wide"), (390, "narrow")])
def test_the_page_fits_its_width(browser, report, width, shown):
    browser.open(report, width, 844)
    assert browser.run("document.documentElement.scrollWidth") <= width
    visible = browser.run(
        "[...document.querySelectorAll('.plot svg')].filter(s => s.clientWidth).map(s => s.classList[0])"
    )
    assert set(visible) == {shown}
    smallest = browser.run(
        """Math.min(...[...document.querySelectorAll('.plot svg text')].filter(t => t.getBoundingClientRect().width)
        .map(t => 12 * t.closest('svg').getBoundingClientRect().width / t.closest('svg').viewBox.baseVal.width))"""
    )
    assert smallest >= 11  # pixels
    outside = browser.run(
        """[...document.querySelectorAll('.plot svg text')].filter(t => { const a = t.getBoundingClientRect(),
        b = t.closest('svg').getBoundingClientRect();
        return a.width && (a.left < b.left - 1 || a.right > b.right + 1); })
        .map(t => t.textContent)"""
    )
    assert outside == []


def test_dark_and_print_have_readable_contrast(page):
    script = "[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]"
    for media, scheme in (("screen", "light"), ("screen", "dark"), ("print", "dark")):
        page.call(
            "Emulation.setEmulatedMedia", media=media, features=[{"name": "prefers-color-scheme", "value": scheme}]
        )
        ink, paper = ([int(part) for part in re.findall(r"\d+", colour)[:3]] for colour in page.run(script))
        assert abs(np.mean(ink) - np.mean(paper)) > 180
        assert (np.mean(paper) < 60) == ((media, scheme) == ("screen", "dark"))
    page.call("Emulation.setEmulatedMedia", media="", features=[])
