"""Plots place values where they belong and can be read without colour."""

import itertools
import math
from xml.etree import ElementTree

import pytest

from reports.numbers import ABSENT, MINUS, duration, interval, number, tick_text, words
from reports.plots import Point, Series, family_bars, horizon_plot
from reports.svg import CEILING_LOOKS, MODEL_LOOKS, NULL_LOOKS, ORACLE_LOOK, Axis, looks, nice_ticks, spread

NAN = float("nan")


def line(name, role, means, half=0.5):
    return Series(name, role, [Point(x + 1, mean, mean - half, mean + half) for x, mean in enumerate(means)])


def path_points(drawing, css):
    root = ElementTree.fromstring(drawing.render())
    path = next(part for part in root.iter("path") if part.get("class") == css)  # a legend's comes after it
    return [tuple(map(float, pair.split())) for pair in path.get("d")[1:].split("L")]


@pytest.mark.parametrize("width", [880, 350])
def test_a_line_goes_where_its_values_go(width):
    means = [30.0, 25.0, 27.0, 10.0]
    series = [line("base", "model", means), line("last_frame", "null", [12.0, 11.0, 10.0, 9.0])]
    drawing = horizon_plot(series, "PSNR", "", width=width)
    points = path_points(drawing, "line m0")
    assert [x for x, _ in points] == sorted(x for x, _ in points)
    ys = [y for _, y in points]
    assert sorted(range(4), key=lambda i: ys[i]) == sorted(range(4), key=lambda i: -means[i])
    share = (ys[1] - ys[0]) / (ys[3] - ys[0])
    assert share == pytest.approx((30 - 25) / (30 - 10), abs=0.01)
    everything = [*points, *path_points(drawing, "line null")]
    assert all(0 <= x <= width and 0 <= y <= drawing.height for x, y in everything)


def test_on_a_logarithmic_axis_equal_ratios_are_equal_distances():
    series = [line("base", "model", [1.0, 10.0, 100.0], half=5.0)]  # the band would reach below 0
    ys = [y for _, y in path_points(horizon_plot(series, "", "", True), "line m0")]
    assert ys[0] - ys[1] == pytest.approx(ys[1] - ys[2], abs=0.2)


def test_a_mean_without_an_interval_is_drawn_without_one():
    lonely = Series("base", "model", [Point(1, 3.0, NAN, NAN), Point(2, 4.0, NAN, NAN)])
    text = horizon_plot([lonely], "", "").render()
    assert "nan" not in text
    assert "band" not in text
    bars = family_bars(["yaw"], [Series("base", "model", [Point(0, 0.4, NAN, NAN)])], "", "").render()
    assert "whisker" not in bars


def test_lines_differ_without_colour():
    everyone = [*MODEL_LOOKS, ORACLE_LOOK, *CEILING_LOOKS, *NULL_LOOKS]
    assert len({(look.dash, look.marker) for look in everyone}) == len(everyone)
    assert len({look.marker for look in looks(["model"] * 4)}) == 4


def test_labels_at_line_ends_do_not_overlap():
    placed = spread([100.0, 101.0, 102.0, 50.0, 299.0, 300.0], 15, 10, 300)
    ordered = sorted(placed)
    assert min(b - a for a, b in itertools.pairwise(ordered)) >= 15
    assert min(placed) >= 10
    assert max(placed) <= 300
    assert placed[3] < placed[0] < placed[1] < placed[2] < placed[4] < placed[5]


@pytest.mark.parametrize(("low", "high"), [(0, 1), (11.3, 51.2), (-0.2, 0.1), (5, 5), (0, 8000), (1e-4, 3e-4)])
def test_ticks_are_round_and_cover_the_range(low, high):
    ticks = nice_ticks(low, high)
    assert ticks[0] <= low
    assert ticks[-1] >= high
    steps = [b - a for a, b in itertools.pairwise(ticks)]
    assert max(steps) == pytest.approx(min(steps))
    mantissa = steps[0] / 10 ** math.floor(math.log10(steps[0]) + 1e-9)
    assert min(abs(mantissa - nice) for nice in (1, 2, 2.5, 5, 10)) < 1e-6


def test_axis_ends():
    assert Axis(1, 100, 0, 10, log=True)(10) == pytest.approx(5)
    assert Axis(3, 3, 0, 10)(3) == 5


@pytest.mark.parametrize(
    ("shown", "text"),
    [
        (number(None), ABSENT),
        (number(float("nan")), ABSENT),
        (number(0.5), "0.500"),
        (number(-5.6e-17), "0"),
        (number(2e14), "2.0 \u00d7 10¹⁴"),
        (number(9_500_000), "9,500,000"),
        (number(0.00002), "2.0 \u00d7 10⁻⁵"),
        (tick_text(0.5), "0.5"),
        (tick_text(100.0), "100"),
        (interval({"mean": 0.9312, "low": 0.9, "high": 0.958}), "0.93 [0.90, 0.96]"),
        (interval({"mean": 0.667, "low": -1e-17, "high": 1.0}), "0.67 [0.00, 1.00]"),
        (interval({"mean": -5.333, "low": -16, "high": 0}), f"{MINUS}5.3 [{MINUS}16.0, 0.0]"),
        (interval({"mean": 1234.5, "low": 1000, "high": 2000}), "1234 [1000, 2000]"),
        (interval({"mean": 0.00412, "low": 0.004, "high": 0.005}), "0.0041 [0.0040, 0.0050]"),
        (interval({"mean": 3.0, "low": None, "high": None}), "3.00"),
        (interval(None), ABSENT),
        (duration(90), "90 s"),
        (duration(5400), "90 min"),
        (words("action_swap_2afc@8"), "action swap 2AFC@8"),
    ],
)
def test_numbers_read_well(shown, text):
    assert shown == text
