"""The validity cards of suites as one self-contained page: what the controls scored, and how faults lower the score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from string import Template
from typing import Any

from reports.curves import has_mean, point
from reports.numbers import ABSENT, interval, number, tick_text, words
from reports.pages import template
from reports.plots import Point, interval_strip
from reports.svg import CHARACTER_PX, MODEL_LOOKS, Axis, Svg, looks, nice_ticks
from reports.tables import ROLE_WORDS, table
from worldsim.core.errors import WorldsimError
from worldsim.core.records import write_atomic

Card = Mapping[str, Any]
PANEL_WIDTH, PANEL_HEIGHT = 272, 172
ROLE_ORDER = {"oracle": 0, "ceiling": 1, "null": 2}


def write_cards(cards: Sequence[Card], out: str | Path) -> Path:
    """Write one HTML file about validity cards (the JSON of worldsim validate); atomic. Returns ``out``."""
    if not cards:
        raise WorldsimError("there is no validity card to draw.")
    out = Path(out)
    write_atomic(out, page(cards))
    return out


def page(cards: Sequence[Card]) -> str:
    parts = [(f"card-{number_}", f"{card['suite']} · {card['game']}", card) for number_, card in enumerate(cards)]
    return Template(template("page.html")).substitute(
        title="Validity of suites · worldsim",
        heading="Do the suites measure what they say?",
        statement=statement(cards),
        notes="",
        navigation="".join(f'<a href="#{name}">{escape(title)}</a>' for name, title, _ in parts),
        sections="".join(
            f'<section id="{name}" aria-labelledby="{name}-title"><h2 id="{name}-title">{escape(title)} '
            f"<small>version {card['suite_version']}</small></h2>{card_body(card)}</section>"
            for name, title, card in parts
        ),
        style=template("style.css"),
        script="",
        data="{}",
    )


def statement(cards: Sequence[Card]) -> str:
    counts = {verdict: sum(card["valid"] is verdict for card in cards) for verdict in (True, False, None)}
    told = [f"{counts[True]} valid", f"{counts[False]} not valid", f"{counts[None]} not judged"]
    return (
        "<p>Each suite was run on simulators whose worth is known: the real game (oracle), nulls that know nothing of "
        "what is asked, and the game with one planted fault, in degrees. A suite is valid if the oracle's interval "
        "excludes every null, the score falls as a fault grows (Spearman \u2264 \u22120.9), a fault of medium severity "
        "is told from the game (AUROC \u2265 0.95), and no null scores above 0.1 between chance and the game.</p>"
        f"<p>{len(cards)} cards: {', '.join(told)}. Brackets, bands and whiskers are 95\u00a0% intervals.</p>"
    )


def card_body(card: Card) -> str:
    details = "".join(
        f"<li>{'✓' if check['passed'] else '✕'} {escape(check['check'])}: {escape(check['text'])}</li>"
        for check in card["checks"]
    )
    panels = "".join(panel(card, fault) for fault in card["faults"] if fault["scenarios"])
    return (
        f"{verdict(card)}{controls_table(card)}"
        f'<figure><div class="panels">{panels}</div><figcaption>{escape(words(card["primary"]))} by severity of the '
        "planted fault; 0 is the game itself. Dashed: the nulls.</figcaption></figure>"
        f"{faults_table(card)}<details><summary>All checks</summary><ul>{details}</ul></details>"
        f'<p class="muted">{card["scenarios"]} scenarios, made {escape(card["made_utc"])}, settings '
        f"{escape(card['suite_hash'])}.</p>"
    )


def verdict(card: Card) -> str:
    name, css, sign = {
        True: ("Valid", "good", "✓"),
        False: ("Not valid", "bad", "✕"),
        None: ("Not judged", "open", "?"),
    }[card["valid"]]
    return "".join(
        f'<p class="validity {css}"><b aria-hidden="true">{sign}</b> {name}: {escape(reason)}.</p>'
        for reason in card["reasons"]
    )


def controls_table(card: Card) -> str:
    listed = sorted(card["controls"], key=lambda one: ROLE_ORDER[one["role"]])
    points = [point(0, one) if has_mean(one) else None for one in listed]
    extents = [value for p in points if p is not None for value in p.extent]
    low, high = (min(extents), max(extents)) if extents else (0.0, 1.0)
    pad = (high - low) * 0.04 or 0.5
    body = []
    for one, p, look in zip(listed, points, looks([one["role"] for one in listed]), strict=True):
        body.append(
            [
                f'{escape(one["control"])}<span class="role">{escape(ROLE_WORDS.get(one["role"], one["role"]))}</span>',
                interval_strip(p, low - pad, high + pad, look) if p else "",
                interval(one),
                number(one["score"]),
                f"{one['completed']}/{card['scenarios']}" + (f", {one['failed']} failed" if one["failed"] else ""),
            ]
        )
    unit = f" ({escape(card['unit'])})" if card["unit"] else ""
    head = ["control", "", f"{escape(words(card['primary']))}{unit}", "from chance (0) to the game (1)", "scored"]
    return table(f"Controls of {card['suite']} in {card['game']}", head, body)


def faults_table(card: Card) -> str:
    body = []
    for fault in card["faults"]:
        left = f"{fault['left_out']} left out: {fault['left_out_reason']}" if fault["left_out"] else ""
        told = ", ".join(f"{number(value)} at {severity}" for severity, value in fault["auroc"].items())
        body.append(
            [
                f'{escape(fault["fault"])}<span class="role">{escape(fault["summary"])}</span>',
                " → ".join(number(one["mean"]) for one in fault["points"]) if fault["scenarios"] else ABSENT,
                number(fault["spearman"]),
                told if fault["scenarios"] else ABSENT,
                f'{fault["scenarios"]}<span class="role">{escape(left)}</span>',
            ]
        )
    head = ["planted fault", "mean by severity", "Spearman", f"AUROC against {escape(card['told_from'])}", "scenarios"]
    return table(f"Planted faults of {card['suite']} in {card['game']}", head, body)


def panel(card: Card, fault: Mapping[str, Any]) -> str:
    """One fault's curve over severity, with an interval band, beside the means of the nulls."""
    points = [point(one["severity"], one) for one in fault["points"]]
    nulls = [one["mean"] for one in card["controls"] if one["role"] == "null" and has_mean(one)]
    drawing = severity_plot(points, nulls, f"{fault['fault']}: {words(card['primary'])} by severity")
    title = f"{fault['fault']} · Spearman {number(fault['spearman'])}"
    return f'<div class="panel"><b>{escape(title)}</b>{drawing.render()}</div>'


def severity_plot(points: Sequence[Point], nulls: Sequence[float], label: str) -> Svg:
    """Score over severity from 0 to 1; ``nulls`` are dashed lines."""
    values = [*nulls, *(value for p in points for value in p.extent)]
    ticks = nice_ticks(min(values), max(values), 4)
    left = 12 + CHARACTER_PX * max(len(tick_text(tick)) for tick in ticks)
    drawing = Svg(PANEL_WIDTH, PANEL_HEIGHT, label)
    x = Axis(0.0, 1.0, left, PANEL_WIDTH - 10)
    y = Axis(ticks[0], ticks[-1], PANEL_HEIGHT - 34, 8)
    for tick in ticks:
        drawing.line(left, y(tick), x.end, y(tick), "rule zero" if tick == 0 else "rule")
        drawing.text(left - 8, y(tick) + 4, tick_text(tick), "end", "tick")
    for p in points:
        drawing.text(x(p.x), PANEL_HEIGHT - 17, tick_text(p.x), "middle", "tick")
    drawing.text(x.end, PANEL_HEIGHT - 3, "severity", "end", "axis")
    for null in nulls:
        drawing.path([(left, y(null)), (x.end, y(null))], looks(["null"])[0])
    look = MODEL_LOOKS[0]
    bounded = [p for p in points if p.bounded]
    drawing.band([(x(p.x), y(p.low)) for p in bounded], [(x(p.x), y(p.high)) for p in bounded], look)
    drawing.path([(x(p.x), y(p.mean)) for p in points], look)
    for p in points:
        drawing.marker(x(p.x), y(p.mean), look)
    return drawing
