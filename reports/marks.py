"""The mark of a suite's validity, a sign and a word that stand wherever its numbers do."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from reports.runs import Run, SuiteKey

WORDS = {
    True: ("valid", "good", "✓"),
    False: ("not valid", "bad", "✕"),
    None: ("not validated", "open", "?"),
}


def validity_of(runs: Sequence[Run], key: SuiteKey) -> bool | None:
    """The worst that the runs say of a suite: one that finds it invalid counts more than one that does not."""
    found = [run.suites[key].get("valid") for run in runs if key in run.suites]
    return False if False in found else None if None in found else True


def badge(valid: bool | None) -> str:
    """ "✓ valid" in a line of its own style."""
    name, css, sign = WORDS[valid]
    return f'<span class="badge {css}"><b aria-hidden="true">{sign}</b> {name}</span>'


def plain(valid: bool | None) -> str:
    """The same in text alone, for drawings and options."""
    name, _, sign = WORDS[valid]
    return f"{sign} {name}"


def validity(run: Run, key: SuiteKey, who: str = "") -> str:
    """Whether the suite passed its own controls in this run, and why."""
    valid, reason = run.suites[key].get("valid"), run.suites[key].get("valid_reason") or ""
    name, css, sign = WORDS[valid]
    name += ": do not use these numbers" if valid is False else ""
    text = f"{name}. {reason[:1].upper()}{reason[1:]}." if reason else f"{name}."
    text = f"{who}{text[:1].upper()}{text[1:]}"
    return f'<p class="validity {css}"><b aria-hidden="true">{sign}</b> {escape(text)}</p>'
