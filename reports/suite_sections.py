"""Suite by suite: results of everybody, error against horizon, and the kinds of scenarios."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from reports import tables
from reports.curves import ERROR_CURVES, curve_names, curve_series, family_series, reference_series
from reports.marks import badge, validity, validity_of
from reports.numbers import words
from reports.plots import both_widths, family_bars, horizon_plot
from reports.runs import Run, SuiteKey, entries

CURVES_SHOWN = 3  # plots against horizon for each suite; all curves are in the CSV file
BARS_SHOWN = 4  # simulators beside the models in the bars by family


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


def horizon_section(runs: Sequence[Run], key: SuiteKey) -> str:
    listed = entries(runs, key)
    names = curve_names(listed)
    names = ([name for name in names if name in ERROR_CURVES] or names)[:CURVES_SHOWN]
    parts, mark = [], badge(validity_of(runs, key))
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
            f"<figure>{both_widths(horizon_plot, series, unit, label, log_y)}<figcaption>{escape(key.title)} {mark} · "
            f"mean over scenarios, band: 95\u00a0% interval.{escape(note)}</figcaption></figure>"
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
    mark = badge(validity_of(runs, key))
    return (
        f"<figure>{drawn}<figcaption>{escape(key.title)} {mark} · whiskers: 95\u00a0% interval.</figcaption></figure>"
    )
