"""The page of validity cards: whole, safe, and with everything the JSON says."""

import re
from xml.etree import ElementTree

import pytest

from reports.plots import Point
from reports.validity import page, severity_plot, write_cards
from worldsim.core.errors import WorldsimError


def control(name, role, mean, **more):
    return {
        "control": name, "role": role, "mean": mean, "low": mean - 0.1, "high": mean + 0.1, "score": 2 * mean - 1,
        "completed": 24, "unscored": 0, "failed": 0, "failure": "", **more,
    }  # fmt: skip


def fault(name, means, **more):
    points = [
        {"severity": severity, "mean": mean, "low": mean - 0.05, "high": mean + 0.05}
        for severity, mean in zip((0, 0.25, 0.5, 1), means, strict=False)
    ]
    return {
        "fault": name, "summary": "what it does", "scenarios": 24, "left_out": 0, "left_out_reason": "", "judged": True,
        "points": points, "spearman": -1.0, "auroc": {"0.25": 0.8, "0.5": 0.97, "1": 1.0}, **more,
    }  # fmt: skip


def card(**changes):
    nobody = {"spearman": None, "scenarios": 0, "left_out": 24, "left_out_reason": "nothing is in sight"}
    unplanted = {**fault("vanish", ()), **nobody, "auroc": {"0.25": None, "0.5": None, "1": None}}
    return {
        "schema": 1, "suite": "control", "suite_version": 2, "suite_hash": "abc", "game": "voxel/arena",
        "env_kwargs": {}, "scenarios": 24, "primary": "action_swap_2afc", "higher_is_better": True, "unit": "",
        "chance": 0.5, "told_from": "oracle",
        "controls": [control("last_frame", "null", 0.5, failed=2), control("oracle", "oracle", 1.0)],
        "faults": [fault("swapped", (1, 0.8, 0.5, 0)), unplanted],
        "checks": [{"check": "the oracle's interval excludes last_frame", "passed": True, "text": "0.5 < 0.9"}],
        "valid": True, "reasons": ["it sees 1 <fault>"], "made_utc": "2026-01-02T03:04:05Z", "environment": {},
        **changes,
    }  # fmt: skip


def test_the_page_is_whole_and_says_what_the_card_says(tmp_path):
    out = write_cards([card(), card(valid=False, reasons=["blur is not seen"]), card(valid=None)], tmp_path / "a.html")
    text = out.read_text()
    assert "3 cards: 1 valid, 1 not valid, 1 not judged" in text
    for words in ("Not valid: blur is not seen", "action swap 2AFC", "swapped · Spearman", "0.97", "2 failed"):
        assert words in text, words
    assert "nothing is in sight" in text
    assert "it sees 1 &lt;fault&gt;" in text and "<fault>" not in text
    assert not re.search(r'(src|href)="(?!#|data:)', text)  # it needs no other file
    assert text.index("the game itself") < text.index('<span class="role">null</span>')  # the oracle comes first


def test_the_curve_goes_where_the_scores_go():
    points = [Point(0.0, 1.0, 0.9, 1.0), Point(0.5, 0.5, 0.4, 0.6), Point(1.0, 0.0, 0.0, 0.1)]
    drawn = ElementTree.fromstring(severity_plot(points, [0.5], "a curve").render())
    marks = [part for part in drawn.iter() if part.tag == "circle"]
    assert len(marks) == 3
    places = [(float(mark.get("cx")), float(mark.get("cy"))) for mark in marks]
    assert places == sorted(places) and places[0][1] < places[1][1] < places[2][1]  # rightwards and down
    dashed = [part for part in drawn.iter() if part.get("stroke-dasharray")]
    assert len(dashed) == 1


def test_no_card_is_said():
    with pytest.raises(WorldsimError, match="no validity card"):
        write_cards([], "nowhere.html")
    assert "5 cards" not in page([card()])
