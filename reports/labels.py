"""What the models of a report are called: by their name, else by what tells their folders or their settings apart."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from reports.numbers import number, words


def model_labels(seen: Sequence[tuple[str, Mapping[str, Any], Path]]) -> list[str]:
    """A label for each (simulator name, facts of its record, run folder); equal name and facts are one model.

    Checkpoints of one name are told apart by their folders, so that those of ``out/base/eval`` and ``out/4x/eval`` are
    "base" and "4x"; one checkpoint under several settings, by these.
    """
    places: dict[tuple[str, str], list[Path]] = {}
    for name, facts, folder in seen:
        places.setdefault(_identity(name, facts), []).append(folder)
    names = list(dict.fromkeys(name for name, _ in places))
    labels: dict[tuple[str, str], str] = {}
    for name in names:
        group = [model for model in places if model[0] == name]
        known = [json.loads(text) for _, text in group]
        by_place, by_setting = distinct_parts([places[model] for model in group]), _settings(known)
        one_checkpoint = len({one.get("checkpoint_hash") for one in known}) == 1
        kinds = [by_setting, by_place] if one_checkpoint else [by_place, by_setting]
        kinds += [[f"checkpoint {str(one.get('checkpoint_hash'))[:6]}" for one in known]]
        told = next((kind for kind in kinds if _tells_apart(kind)), [f"no. {place + 1}" for place in range(len(group))])
        for model, text in zip(group, told, strict=True):
            # Where every model has the same name it says nothing, and the folder's part alone is the better label.
            alone = told is by_place and len(names) == 1
            labels[model] = name if len(group) == 1 else text if alone else f"{name} ({text})"
    return [labels[_identity(name, facts)] for name, facts, _ in seen]


def distinct_parts(groups: Sequence[Sequence[Path]]) -> list[str]:
    """For each group of paths the parts, joined by "/", that all of its paths have and none of the others'.

    Where that leaves a group without any: those that not every group has.
    """
    parts = [{part for path in group for part in path.parts} for group in groups]
    shared = [[part for part in group[0].parts if all(part in path.parts for path in group)] for group in groups]
    own = []
    for place, mine in enumerate(shared):
        theirs = set().union(*parts[:place], *parts[place + 1 :])
        own.append("/".join(part for part in mine if part not in theirs))
    everywhere = set.intersection(*parts) if parts else set()
    return own if all(own) else ["/".join(part for part in mine if part not in everywhere) for mine in shared]


def _tells_apart(texts: Sequence[str]) -> bool:
    return all(texts) and len(set(texts)) == len(texts)


def _settings(facts: Sequence[Mapping[str, Any]]) -> list[str]:
    """The numbers and words in which descriptions differ: "steps 1" and "steps 4"."""
    plain = [name for name in facts[0] if all(isinstance(one.get(name), (int, float, str)) for one in facts)]
    differing = [name for name in plain if len({one[name] for one in facts}) > 1 and name != "checkpoint_hash"]
    return [
        ", ".join(f"{words(n)} {number(one[n]) if not isinstance(one[n], str) else one[n]}" for n in differing)
        for one in facts
    ]


def _identity(name: str, facts: Mapping[str, Any]) -> tuple[str, str]:
    return name, json.dumps(facts, sort_keys=True)
