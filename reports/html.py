"""The report: one self-contained HTML file that opens offline in any browser."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from string import Template

from reports import tables
from reports.comparable import require_comparable
from reports.compare import differences, primaries
from reports.cost import costs
from reports.details import details_section
from reports.downloads import downloads_section
from reports.numbers import count
from reports.pages import template
from reports.runs import Run, SuiteKey, load_runs, models, suite_keys
from reports.scale_section import comparison_section, scale_section, training_section
from reports.scenarios import browser_section
from reports.suite_sections import family_section, horizon_section, suite_section
from reports.training import find_stages, is_training
from reports.trends import trends
from reports.video_section import videos_section
from reports.videos import SCENARIOS_PER_SUITE, Gallery, build_gallery, player_data
from worldsim.core.errors import WorldsimError
from worldsim.core.records import write_atomic

MOST_BYTES = 24_000_000  # of the file; small enough for a mail and for a browser on a telephone
SCRIPTS = ("player.js", "browser.js")


def write_report(
    runs: Sequence[str | Path] | str | Path,
    out: str | Path,
    videos_per_suite: int = SCENARIOS_PER_SUITE,
    force: bool = False,
    checkpoints: Mapping[str, Path] | None = None,
) -> Path:
    """Write one HTML file about one or more evaluation runs (folders that worldsim eval wrote); atomic.

    Among ``runs`` may be training runs and packed checkpoints, for their losses and cost; ``checkpoints`` are folders
    of further ones by the hash that evaluations know them by. Embeds at most ``videos_per_suite`` scenarios of each
    suite and game, as far as the file stays below 24 MB. Returns ``out``.

    Raises WorldsimError for no runs, for folders that are no finished evaluations, and for suites of other versions,
    limits or scenarios, which ``force`` lets pass with a note.
    """
    out = Path(out)
    if out.is_dir():
        raise WorldsimError(f"{out} is a folder; give a file name, such as {out / 'report.html'}.")
    folders = [Path(run) for run in ([runs] if isinstance(runs, (str, Path)) else runs)]
    training = [folder for folder in folders if is_training(folder)]
    loaded = load_runs([folder for folder in folders if folder not in training])
    notes = require_comparable(loaded, force)
    write_atomic(out, page(loaded, training, videos_per_suite, notes, checkpoints or {}))
    return out


def page(
    runs: Sequence[Run],
    training: Sequence[Path],
    videos_per_suite: int,
    notes: Sequence[str],
    checkpoints: Mapping[str, Path],
) -> str:
    """The whole page from runs already read; the videos get the room that everything else leaves."""
    keys = suite_keys(runs)
    found = primaries(runs)
    compared = differences(found)
    rising = trends(found, compared)
    stages = find_stages(runs, training, checkpoints)
    listed = sorted((e for key in keys for e in models(runs, key)), key=lambda e: e.train_flops or float("inf"))
    labels = list(dict.fromkeys(entry.label for entry in listed))
    spent = costs(runs, stages)
    results = [
        ("compute", "What compute buys", scale_section(runs, rising, labels)),
        ("comparison", "Models compared", comparison_section(compared, found)),
        ("results", "Results", "".join(suite_section(runs, key) for key in keys)),
        ("horizon", "Error against horizon", "".join(horizon_section(runs, key) for key in keys)),
        ("families", "By kind of scenario", "".join(family_section(runs, key) for key in keys)),
    ]
    ends = [
        ("training", "Training and cost", training_section(stages, spent, labels)),
        ("details", "How it was run", details_section(runs, labels)),
        ("unscored", "Failed and unscored scenarios", tables.troubles_table(runs)),
        ("tables", "Tables to take away", downloads_section(runs, found, compared, rising, spent, stages)),
    ]
    empty = browser_section(found, Gallery())
    taken = sum(len(body.encode()) for _, _, body in [*results, *ends]) + len(empty.encode()) + 200_000
    gallery = build_gallery(runs, videos_per_suite, MOST_BYTES - taken)
    sections = [
        ("side-by-side", "Game beside dream", videos_section(gallery, runs)),
        *results,
        ("scenarios", "Scenarios, worst first", browser_section(found, gallery)),
        *ends,
    ]
    sections = [section for section in sections if section[2]]
    notes = [*notes, *(f"{run.name}: {note}" for run in runs for note in run.notes)]
    return Template(template("page.html")).substitute(
        title=escape(f"{_and(labels) or runs[0].name} · worldsim report"),
        heading=escape(heading(labels, runs)),
        statement=statement(runs, keys),
        notes="".join(f'<p class="note">{escape(note)}</p>' for note in notes),
        navigation="".join(f'<a href="#{name}">{title}</a>' for name, title, _ in sections),
        sections="".join(
            f'<section id="{name}" aria-labelledby="{name}-title"><h2 id="{name}-title">{title}</h2>{body}</section>'
            for name, title, body in sections
        ),
        style=template("style.css"),
        script="\n".join(map(template, SCRIPTS)),
        data=json.dumps(player_data(gallery)).replace("<", "\\u003c"),
    )


def heading(models: Sequence[str], runs: Sequence[Run]) -> str:
    if not models:
        return f"Controls of {runs[0].name}"
    return f"{_and(models)} {'against' if len(models) == 1 else 'beside'} the real game"


def statement(runs: Sequence[Run], keys: Sequence[SuiteKey]) -> str:
    """What was compared, in plain sentences."""
    games = list(dict.fromkeys(key.game for key in keys))
    suites = list(dict.fromkeys(f"{key.suite} (version {key.version})" for key in keys))
    listed = [entry for key in keys for entry in models(runs, key)]
    planned, completed, failed = (
        sum(entry.summary.get(name, 0) for entry in listed) for name in ("planned", "completed", "failed")
    )
    text = (
        f"Each {'model' if listed else 'control'} saw the beginning of a real episode and dreamed on under the same "
        f"actions as the real game, {_and(games)}. {'Suites' if len(suites) > 1 else 'Suite'}: {', '.join(suites)}. "
        f"{completed:,} of {count(planned, 'planned answer')} scored"
    )
    text += f", {failed:,} failed, which count as 0" if failed else ""
    return f"<p>{escape(text)}. Brackets hold 95\u00a0% intervals over scenarios.</p>"


def _and(names: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))
