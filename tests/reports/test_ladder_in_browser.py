"""A report of three scales in a real browser: side by side, searched, saved, and small enough."""

import csv
import io
import json

import pytest

from reports import html
from reports.html import write_report
from reports.numbers import MINUS

ROWS = "[...document.querySelectorAll('#browser tbody tr')]"


@pytest.fixture(scope="module")
def report(ladder, tmp_path_factory):
    return write_report(ladder, tmp_path_factory.mktemp("ladder") / "report.html")


@pytest.fixture
def page(browser, report):
    browser.open(report)
    return browser


def search(page, text="", suite="", status="", order="worst"):
    for element, value in (("find", text), ("of-suite", suite), ("of-status", status), ("order", order)):
        page.choose(element, value)
    return page.run(f"{ROWS}.map(row => [...row.cells].map(cell => cell.innerText))")


def test_the_first_thing_seen_is_the_game_beside_all_scales_at_one_frame(page):
    visible = page.run(
        f"{page.VIDEOS}.every(v => v.getBoundingClientRect().top > 0 && v.getBoundingClientRect().bottom < innerHeight)"
    )
    assert visible
    captions = page.run("[...document.querySelectorAll('#grid figcaption')].map(c => c.innerText)")
    assert [caption.split("\n")[0] for caption in captions] == ["the real game", "voxel-base", "voxel-4x", "voxel-32x"]
    assert "2.0 \N{MULTIPLICATION SIGN} 10¹⁴ FLOPs" in captions[1]
    # Past the given frame, where every video is the game's; the suite of one branch and most frames is the first.
    assert page.run("document.getElementById('where').textContent").startswith("frame 9 of 25 · dreamed +8")
    assert set(page.run(f"{page.VIDEOS}.map(v => Math.floor(v.currentTime * 20))")) == {8}
    tops = page.run(f"{page.VIDEOS}.map(v => Math.round(v.getBoundingClientRect().top))")
    assert len(set(tops)) == 1


def test_nothing_complains_and_nothing_is_asked_of_the_network(page):
    page.run("document.getElementById('play').click()")
    search(page, "drift")
    page.run("document.querySelector('[data-watch]').click()")
    complaints = ("Runtime.exceptionThrown", "Log.entryAdded", "Runtime.consoleAPICalled")
    assert [event for event in page.events if event["method"] in complaints] == []
    urls = [e["params"]["request"]["url"] for e in page.events if e["method"] == "Network.requestWillBeSent"]
    assert [url[:60] for url in urls if not url.startswith(("file:", "data:", "blob:"))] == []


def test_worst_scenarios_stand_first_and_failed_ones_before_them(page):
    rows = search(page)
    assert len(rows) == 12
    failed = [row for row in rows if "failed" in row]
    assert failed == rows[:2]  # in suite control and in drift
    assert all("voxel-4x: MemoryError: the fog <is> too thick" in row[-1] for row in failed)
    number = lambda text: float(text.replace(MINUS, "-"))  # noqa: E731
    scores = [number(row[5]) for row in rows[2:]]
    assert scores == sorted(scores)
    best = [number(row[5]) for row in search(page, order="best")]
    assert best == sorted(best, reverse=True)


def test_search_finds_by_suite_kind_seed_reason_and_status(page, ladder):
    seed = json.loads((ladder[0] / "rows.jsonl").read_text().splitlines()[0])["game_seed"]
    assert {row[0].split("\n")[0] for row in search(page, f"seed {seed}")} == {"voxel/arena/0000"}
    assert len(search(page, "YAW control")) == len([r for r in search(page, "yaw") if "control" in r[1]]) > 0
    assert len(search(page, "fog too thick")) == 2
    assert len(search(page, "drift", status="failed")) == 1
    assert len(search(page, suite="control · voxel/arena")) == 6
    assert search(page, "no such thing") == []
    assert page.run("document.getElementById('found').textContent") == "0 scenarios."
    assert "✕ not valid" in search(page, suite="drift · voxel/arena")[0][1]


def test_a_found_scenario_can_be_watched(page):
    search(page, suite="control · voxel/arena", order="name")
    page.run("document.querySelectorAll('[data-watch]')[1].click()")
    page.wait_for(page.STILL)
    chosen = page.run("document.getElementById('scene').selectedOptions[0].textContent")
    assert chosen.startswith("voxel/arena/0001")
    assert page.run("document.activeElement.id") == "play"
    assert page.run("document.getElementById('mark').textContent") == "control · voxel/arena: ? not validated"


def test_typing_a_space_into_the_search_does_not_play(page):
    page.run("document.getElementById('find').focus()")
    page.press(" ", "Space")
    assert page.run("document.getElementById('play').getAttribute('aria-label')") == "Play"
    assert page.run("document.getElementById('find').value") == " "


def test_tables_are_saved_without_a_network(page, report, tmp_path):
    page.call("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path))
    page.run("document.querySelector('a[download=\"differences.csv\"]').click()")
    saved = tmp_path / "differences.csv"
    for _ in range(200):
        if saved.exists() and saved.stat().st_size:
            break
        page.run("new Promise(done => setTimeout(done, 25))")
    lines = list(csv.DictReader(io.StringIO(saved.read_text())))
    assert [(line["model"], line["minus"]) for line in lines[:3]] == [
        ("voxel-4x", "voxel-base"),
        ("voxel-32x", "voxel-base"),
        ("voxel-32x", "voxel-4x"),
    ]
    assert float(lines[0]["low"]) <= float(lines[0]["mean"]) <= float(lines[0]["high"])


@pytest.mark.parametrize("width", [1280, 768, 390])
def test_the_page_never_scrolls_sideways(browser, report, width):
    browser.open(report, width, 844)
    assert browser.run("document.documentElement.scrollWidth") <= width


def test_on_paper_there_are_stills_of_every_suite_and_no_table_is_cut(page):
    page.call("Emulation.setDeviceMetricsOverride", width=718, height=1000, deviceScaleFactor=1, mobile=False)
    page.call("Emulation.setEmulatedMedia", media="print", features=[])
    shown = page.run("[...document.querySelectorAll('.strip')].filter(s => s.clientHeight > 50).length")
    wide = page.run(
        "[...document.querySelectorAll('table')].filter(t => t.clientWidth > 718 && !t.closest('details'))"
        ".map(t => t.caption.textContent)"
    )
    hidden = page.run("document.querySelector('.player').clientHeight")
    page.call("Emulation.setEmulatedMedia", media="", features=[])
    assert (shown, wide, hidden) == (2, [], 0)


def test_a_full_file_leaves_scenarios_out_in_turn_and_says_so(ladder, tmp_path, monkeypatch, browser):
    whole = write_report(ladder, tmp_path / "whole.html", videos_per_suite=4)
    most = whole.stat().st_size * 2 // 3
    monkeypatch.setattr(html, "MOST_BYTES", most)
    small = write_report(ladder, tmp_path / "small.html", videos_per_suite=4)
    assert small.stat().st_size < most < 25e6
    browser.open(small)
    scenes = browser.run("JSON.parse(document.getElementById('player-data').textContent).scenes.map(s => s.group)")
    assert 2 <= len(scenes) < 8
    assert len(set(scenes)) == 2  # every suite keeps its first
    text = browser.run("document.getElementById('side-by-side').innerText")
    assert f"Left out: {4 - scenes.count('control · voxel/arena')} scenario" in text
