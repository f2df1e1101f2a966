"""The report: one self-contained HTML file that opens offline in any browser."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape
from importlib import resources
from pathlib import Path
from string import Template

from reports import tables
from reports.compare import Difference, compute_series, differences
from reports.curves import ERROR_CURVES, curve_names, curve_series, family_series, reference_series
from reports.details import details_table, resolved_configs
from reports.numbers import count, duration, words
from reports.plots import both_widths, compute_plot, family_bars, horizon_plot
from reports.runs import Run, SuiteKey, entries, load_runs, suite_keys
from reports.videos import SCENARIOS_PER_SUITE, Gallery, build_gallery, player_data, strip
from worldsim.core.errors import WorldsimError
from worldsim.core.records import write_atomic

CURVES_SHOWN = 3  # plots against horizon for each suite; all curves are in the CSV file
BARS_SHOWN = 4  # simulators beside the models in the bars by family


def write_report(runs: Sequence[str | Path], out: str | Path, videos_per_suite: int = SCENARIOS_PER_SUITE) -> Path:
    """Write one HTML file about one or more evaluation runs (folders that worldsim eval wrote); atomic.

    Embeds at most ``videos_per_suite`` scenarios of each suite and game and about 15 MB of video. Returns ``out``.
    Raises WorldsimError for no runs, for folders that are no finished evaluations and for suites of different versions.
    """
    out = Path(out)
    if out.is_dir():
        raise WorldsimError(f"{out} is a folder; give a file name, such as {out / 'report.html'}.")
    loaded = load_runs(runs)
    write_atomic(out, page(loaded, build_gallery(loaded, videos_per_suite)))
    return out


def page(runs: Sequence[Run], gallery: Gallery) -> str:
    """The whole page from runs already read."""
    compared = differences(runs)
    keys = suite_keys(runs)
    sections = [
        ("side-by-side", "Game beside dream", videos_section(gallery)),
        ("results", "Results", "".join(suite_section(runs, key) for key in keys)),
        ("horizon", "Error against horizon", "".join(horizon_section(runs, key) for key in keys)),
        ("families", "By kind of scenario", "".join(family_section(runs, key) for key in keys)),
        ("comparison", "Models compared", comparison_section(runs, keys, compared)),
        ("details", "How it was run", details_table(runs) + resolved_configs(runs)),
        ("unscored", "Failed and unscored scenarios", tables.troubles_table(runs)),
        ("tables", "Tables", downloads(runs, compared)),
    ]
    sections = [section for section in sections if section[2]]
    models = list(dict.fromkeys(e.label for key in keys for e in entries(runs, key) if e.role == "model"))
    return Template(template("page.html")).substitute(
        title=escape(f"{' and '.join(models) or runs[0].name} · worldsim report"),
        heading=escape(heading(models, runs)),
        statement=statement(runs, keys),
        notes="".join(f'<p class="note">{escape(run.name)}: {escape(note)}</p>' for run in runs for note in run.notes),
        navigation="".join(f'<a href="#{name}">{title}</a>' for name, title, _ in sections),
        sections="".join(
            f'<section id="{name}" aria-labelledby="{name}-title"><h2 id="{name}-title">{title}</h2>{body}</section>'
            for name, title, body in sections
        ),
        style=template("style.css"),
        script=template("player.js"),
        data=json.dumps(player_data(gallery)).replace("<", "\\u003c"),
    )


def heading(models: Sequence[str], runs: Sequence[Run]) -> str:
    if not models:
        return f"Controls of {runs[0].name}"
    if len(models) == 1:
        return f"{models[0]} against the real game"
    return f"{', '.join(models[:-1])} and {models[-1]} against the real game"


def statement(runs: Sequence[Run], keys: Sequence[SuiteKey]) -> str:
    """What was compared, in plain sentences."""
    games = list(dict.fromkeys(key.game for key in keys))
    suites = list(dict.fromkeys(f"{key.suite} (version {key.version})" for key in keys))
    models = [entry for key in keys for entry in entries(runs, key) if entry.role == "model"]
    planned = sum(entry.summary.get("planned", 0) for entry in models)
    completed = sum(entry.summary.get("completed", 0) for entry in models)
    failed = sum(entry.summary.get("failed", 0) for entry in models)
    first = (
        "Each model was shown the beginning of a real episode and then dreamed on, given the same actions as the real "
        f"game. {'Games' if len(games) > 1 else 'Game'}: {', '.join(games)}. "
        f"{'Suites' if len(suites) > 1 else 'Suite'}: {', '.join(suites)}."
    )
    second = f"{completed:,} of {count(planned, 'planned scenario')} scored"
    second += f", {failed:,} failed" if failed else ""
    second += ". Brackets hold 95\u00a0% intervals over scenarios. Failures count as 0 in the primary number."
    return f"<p>{escape(first)}</p><p>{escape(second)}</p>"


def videos_section(gallery: Gallery) -> str:
    if not gallery.scenes:
        missing = "".join(f"<li>{escape(line)}</li>" for line in gallery.missing)
        return "<p>The runs hold no video that can be shown.</p>" + (f"<ul>{missing}</ul>" if missing else "")
    options, group = [], None
    for index, scene in enumerate(gallery.scenes):
        if scene.group != group:
            options.append(("</optgroup>" if group else "") + f'<optgroup label="{escape(scene.group)}">')
            group = scene.group
        options.append(f'<option value="{index}">{escape(scene.title)}</option>')
    strips = "".join(
        f'<figure class="strip" data-scene="{index}"{" hidden" if index else ""}>{strip(scene)}</figure>'
        for index, scene in enumerate(gallery.scenes)
    )
    left_out = [f"{count(n, 'scenario')} of {group}" for group, n in gallery.left_out.items()]
    notes = "Scenarios are chosen by name, not by result."
    if left_out:
        notes += f" Not embedded, to keep this file small: {', '.join(left_out)}; their videos are in the run folders."
    missing = "".join(f'<p class="note">No video: {escape(line)}.</p>' for line in gallery.missing)
    player = template("player.html").replace("{{options}}", "".join(options) + "</optgroup>")
    return f'{player}<div class="scroll">{strips}</div>{missing}<p class="muted">{escape(notes)}</p>'


def suite_section(runs: Sequence[Run], key: SuiteKey) -> str:
    """Validity, the summary table, and every metric on demand."""
    having = [run for run in runs if key in run.suites]
    marks = list(dict.fromkeys(validity(run, key) for run in having))
    if len(marks) > 1:
        marks = [validity(run, key, f"{run.name}: ") for run in having]
    more = ""
    if len(tables.metric_names(entries(runs, key))) > 1:
        more = f"<details><summary>All metrics</summary>{tables.all_metrics_table(runs, key)}</details>"
    return (
        f"<h3>{escape(key.title)} <small>version {key.version}</small></h3>{''.join(marks)}"
        f"{tables.summary_table(runs, key)}{more}"
    )


def validity(run: Run, key: SuiteKey, who: str = "") -> str:
    """Whether the suite passed its own controls in this run; a suite that did not is marked wherever it is shown."""
    valid, reason = run.suites[key].get("valid"), run.suites[key].get("valid_reason") or ""
    name, css, sign = {
        True: ("valid", "good", "✓"),
        False: ("not valid: do not use these numbers", "bad", "✕"),
        None: ("not validated", "open", "?"),
    }[valid]
    text = f"{name}. {reason[:1].upper()}{reason[1:]}." if reason else f"{name}."
    text = f"{who}{text[:1].upper()}{text[1:]}"
    return f'<p class="validity {css}"><b aria-hidden="true">{sign}</b> {escape(text)}</p>'


def horizon_section(runs: Sequence[Run], key: SuiteKey) -> str:
    listed = entries(runs, key)
    names = curve_names(listed)
    names = ([name for name in names if name in ERROR_CURVES] or names)[:CURVES_SHOWN]
    parts = []
    for name in names:
        series, absent = curve_series(listed, name)
        if name in ("psnr", "mse"):  # the game against itself: no error, which neither scale has a place for
            absent = list(dict.fromkeys([*absent, *(line.name for line in series if line.role == "oracle")]))
            series = [line for line in series if line.role != "oracle"]
        if not series:
            continue
        series += reference_series(listed, name)
        log_y = name == "mse" and all(point.mean > 0 for line in series for point in line.points)
        label = f"{words(name)} against frames dreamed, {key.title}: {', '.join(line.name for line in series)}"
        unit = {"psnr": "PSNR (dB), higher is better", "mse": "mean squared error (log scale), lower is better"}.get(
            name, words(name)
        )
        note = f" Not drawn, because without error: {', '.join(absent)}." if absent else ""
        parts.append(
            f"<figure>{both_widths(horizon_plot, series, unit, label, log_y)}<figcaption>{escape(key.title)}. "
            f"Mean over scenarios, band: 95\u00a0% interval.{escape(note)}</figcaption></figure>"
        )
    return "".join(parts)


def family_section(runs: Sequence[Run], key: SuiteKey) -> str:
    listed = entries(runs, key)
    names = list(dict.fromkeys(name for entry in listed for name in entry.summary.get("families") or {}))
    if len(names) < 2:
        return ""
    suite = next(run.suites[key] for run in runs if key in run.suites)
    chosen = [e for e in listed if e.role == "model"] + [e for e in listed if e.role not in ("model", "oracle")][
        :BARS_SHOWN
    ]
    series = family_series(chosen, names)
    if not any(line.role == "model" for line in series):
        return ""
    label = f"{words(suite['primary'])} by kind of scenario, {key.title}"
    drawn = both_widths(family_bars, [words(name) for name in names], series, words(suite["primary"]), label)
    return f"<figure>{drawn}<figcaption>{escape(key.title)}. Whiskers: 95\u00a0% interval.</figcaption></figure>"


def comparison_section(runs: Sequence[Run], keys: Sequence[SuiteKey], compared: Sequence[Difference]) -> str:
    if not compared:
        return ""
    parts = [
        "<p>The same scenarios, scored for both models and subtracted one by one. An interval that leaves out zero "
        "shows a difference. Several comparisons on one page: expect one in twenty to leave out zero by chance.</p>",
        tables.difference_table(compared),
    ]
    for key in keys:
        series, name = compute_series(runs, key)
        if len({point.x for line in series for point in line.points}) > 1:
            label = f"{words(name)} against training compute, {key.title}"
            parts.append(
                f"<figure>{both_widths(compute_plot, series, words(name), label)}"
                f"<figcaption>{escape(key.title)}. Whiskers: 95\u00a0% interval.</figcaption></figure>"
            )
    alone = [key.title for key in keys if len([e for e in entries(runs, key) if e.role == "model"]) < 2]
    if alone and len(runs) > 1:
        parts.append(f'<p class="muted">Only one model has: {escape(", ".join(alone))}.</p>')
    return "".join(parts)


def downloads(runs: Sequence[Run], compared: Sequence[Difference]) -> str:
    links = [
        tables.csv_link("summary.csv", tables.summary_lines(runs)),
        tables.csv_link("scenarios.csv", tables.scenario_lines(runs)),
        tables.csv_link("curves.csv", tables.curve_lines(runs)),
    ]
    if compared:
        links.append(tables.csv_link("differences.csv", tables.difference_lines(compared)))
    took = sum(run.record.wall_s for run in runs)
    return f'<ul class="files">{"".join(links)}</ul><p class="muted">Evaluation took {duration(took)} in all.</p>'


def template(name: str) -> str:
    return (resources.files("reports") / "templates" / name).read_text(encoding="utf-8")
