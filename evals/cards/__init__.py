"""Validity cards: what ``worldsim validate`` found out about a suite in a game, kept where evaluations find it.

A card is for one suite, version, settings and game, made with the same arguments. Those in this folder come with
worldsim; those that are made here are kept beside the real branches and come first.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from evals.cases import default_folder, slug
from evals.suite import Suite
from evals.suites import SUITES
from worldsim.core.errors import DamagedFileError
from worldsim.core.records import content_hash, read_json, write_json

SCHEMA = 1
SHIPPED = Path(__file__).parent


def made_here(cache: str | Path | None = None) -> Path:
    """Where the cards of this machine are, beside the real branches in ``cache``."""
    return (Path(cache) if cache else default_folder()).parent / "cards"


def card_name(suite: Suite, env_id: str, env_kwargs: Mapping[str, Any]) -> str:
    game = slug(env_id) + (f"-{content_hash(dict(env_kwargs))}" if env_kwargs else "")
    return f"{slug(suite.name)}-v{suite.version}-{suite.hash}-{game}.json"


def keep_card(card: Mapping[str, Any], suite: Suite, cache: str | Path | None = None) -> Path | None:
    """Keep a card that has a verdict; None for one that has none, which says nothing about the suite."""
    if card["valid"] is None:
        return None
    path = made_here(cache) / card_name(suite, card["game"], card["env_kwargs"])
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, card)
    return path


def find_card(
    suite: Suite, env_id: str, env_kwargs: Mapping[str, Any], cache: str | Path | None = None
) -> dict[str, Any] | None:
    """The card of just this suite in just this game; one that cannot be read is as good as none."""
    for folder in (made_here(cache), SHIPPED):
        path = folder / card_name(suite, env_id, env_kwargs)
        try:
            card = read_json(path) if path.is_file() else {}
        except DamagedFileError:
            continue
        if card.get("schema") == SCHEMA:
            return card
    return None


def mark(
    summary: dict[str, Any],
    suites: Sequence[Suite],
    games: Mapping[str, Mapping[str, Any]],
    cache: str | Path | None = None,
) -> dict[str, Any]:
    """Set ``valid`` and ``valid_reason`` of each part of a summary by its card; ``games`` are arguments by id.

    Where the run's own controls already speak against the suite no card can save it; without a card it is None.
    """
    by_name = {suite.name: suite for suite in suites}
    for part in summary["suites"]:
        here = part["valid_reason"]
        if part["valid"] is False:
            continue
        suite, game = by_name[part["suite"]], part["game"]
        card = find_card(suite, game, games[game], cache)
        if card is None:
            part["valid"] = None
            part["valid_reason"] = (
                f"no card of it in this game: {_how_to_get_one(suite, game, games[game])} (here: {here})"
            )
        else:
            part["valid"] = card["valid"]
            day, n = card["made_utc"][:10], card["scenarios"]
            part["valid_reason"] = f"by its card of {day}, {n} scenarios: {'; '.join(card['reasons'])}"
    return summary


def _how_to_get_one(suite: Suite, env_id: str, env_kwargs: Mapping[str, Any]) -> str:
    own = type(suite)
    name = suite.name if suite.name in SUITES else f"{inspect.getfile(own)}:{own.__name__}"
    if env_kwargs:  # the command makes games as they are
        return f"evals.validation.validate([{name!r}], [({env_id!r}, {dict(env_kwargs)})], out=..., limit=24)"
    return f"worldsim validate suite={name} env={env_id}"


def format_cards(cards: Sequence[Mapping[str, Any]]) -> str:
    """A line a card, and what speaks against the suites that are not valid."""
    lines = []
    for card in cards:
        verdict = {True: "valid", False: "NOT VALID", None: "not judged"}[card["valid"]]
        lines.append(f"{card['suite']} (version {card['suite_version']}) in {card['game']}: {verdict}")
        lines += [f"  {reason}" for reason in card["reasons"]]
    return "\n".join(lines)
