"""What compute buys: the primaries against training FLOPs, trends, paired contrasts, training losses and cost."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from reports.compare import Difference, Primary
from reports.comparison_tables import difference_table, trend_table
from reports.cost import Cost, cost_table
from reports.curves import has_mean, point
from reports.marks import badge, plain
from reports.numbers import MINUS, interval, number, words
from reports.runs import Run, entries
from reports.svg import CEILING_LOOKS, NULL_LOOKS, ORACLE_LOOK, Svg
from reports.tables import gaps_of
from reports.training import Stage, loss_series
from reports.trend_plots import Reference, loss_panel, model_look, names_fit, trend_panel
from reports.trends import Trend, summary_sentence

GAME, CEILING = ("the game", ORACLE_LOOK), ("the game through the autoencoder", CEILING_LOOKS[0])
NULL = ("best null", NULL_LOOKS[0])
PART_WORDS = {"vae": "autoencoder", "simulator": "network", "heads": "reward and termination heads"}


def scale_section(runs: Sequence[Run], trends: Sequence[Trend], labels: Sequence[str]) -> str:
    """The sentence, a panel for each suite and the table of slopes."""
    if not trends:
        return ""
    panels = "".join(_panel(runs, trend, labels) for trend in trends)
    return (
        f'<p class="finding">{escape(summary_sentence(trends))}</p>{_legend(trends, labels)}'
        f'<div class="panels">{panels}</div>'
        '<p class="muted">Whiskers: 95\u00a0% interval of the mean over scenarios; the table below is about the '
        "difference within scenarios, which is sharper. A line joins the models and is no fit. "
        f"{_few_points(trends)}</p>{trend_table(trends)}"
    )


def comparison_section(compared: Sequence[Difference], primaries: Sequence[Primary]) -> str:
    if not compared:
        return ""
    judged = sum(d.primary.judged for d in compared)
    alone = [primary.key.title for primary in primaries if len(primary.entries) < 2]
    return (
        "<p>The same scenarios, scored for both models and subtracted one by one. A difference is shown where p, after "
        f"Holm's correction for all {judged} contrasts of primary numbers here, is below 0.05; then all that are shown "
        f"hold at once with 95\u00a0% confidence.</p>{difference_table(compared)}"
        + (f'<p class="muted">Only one model has: {escape(", ".join(alone))}.</p>' if alone else "")
    )


def training_section(stages: Sequence[Stage], costs: Sequence[Cost], labels: Sequence[str]) -> str:
    """What each model cost, and a plot of losses for each kind of part that was trained."""
    parts, panels = [cost_table(costs)] if costs else [], []
    for kind in dict.fromkeys(stage.kind for stage in stages):
        series = loss_series(stages, kind)
        if not series:
            continue
        styles = []
        for index, line in enumerate(series):
            first = line.name.split(", ")[0]
            styles.append(model_look(labels.index(first) if first in labels else len(labels) + index))
        what = PART_WORDS.get(kind, words(kind))
        label = f"Training loss of the {what}: {'; '.join(line.name for line in series)}"
        drawing = loss_panel(series, styles, "training loss (log scale)", label)
        panels.append(f'<figure class="panel"><b class="name">{escape(what)}</b>{drawing.render()}</figure>')
    if panels:
        parts.append(
            f'<div class="panels">{"".join(panels)}</div><p class="muted">Training losses, averaged in steps of equal '
            "ratio. Stages follow each other: where one line jumps, its recipe changed.</p>"
        )
    return "".join(parts)


def _panel(runs: Sequence[Run], trend: Trend, labels: Sequence[str]) -> str:
    primary = trend.primary
    shown = [primary.entries[place] for place in trend.places]
    fits = names_fit([entry.label for entry in shown])
    points = []
    for entry, flops in zip(shown, trend.flops, strict=True):
        part = entry.summary["metrics"].get(primary.metric)
        if part and has_mean(part):
            points.append((entry.label if fits else "", model_look(labels.index(entry.label)), point(flops, part)))
    if not points:
        return ""
    aim = "higher is better" if primary.higher_is_better else "lower is better"
    name = words(primary.metric)
    drawing: Svg = trend_panel(
        points,
        _references(runs, primary),
        f"{name} of {primary.key.title} ({plain(primary.valid)}) over training FLOPs: "
        + ", ".join(f"{e.label} {number(p.mean)}" for e, (*_, p) in zip(shown, points, strict=False)),
    )
    gaps = [f"{e.label} {gap}" for e in shown if (gap := gaps_of(e.summary))]
    slope = f"{interval(trend.slope._asdict())} per tenfold compute"
    strong = trend.direction in ("better", "worse")
    verdict = f"<b>{escape(trend.verdict)}</b>" if strong else escape(trend.verdict)
    return (
        f'<figure class="panel"><b class="name">{escape(primary.key.title)}</b> {badge(primary.valid)}'
        f'<span class="role">{escape(name)}, {aim}</span>{drawing.render()}'
        f'<figcaption>{verdict}: {escape(slope)}<span class="role">{escape(trend.steps)}</span>'
        + (f'<span class="role"><b>{escape("; ".join(gaps))}</b></span>' if gaps else "")
        + "</figcaption></figure>"
    )


def _references(runs: Sequence[Run], primary: Primary) -> list[Reference]:
    """The game, the first ceiling and the best null, where the suite has them."""
    best_null = primary.entries[-1].run.suites[primary.key].get("best_null")
    found, ceilings = [], 0
    for entry in entries(runs, primary.key):
        part = entry.summary["metrics"].get(primary.metric)
        if not part or not has_mean(part):
            continue
        mean = float(part["mean"])
        if entry.role == "oracle":
            found.append(Reference(GAME[0], GAME[1], mean))
        elif entry.role == "ceiling" and not ceilings:
            found.append(Reference(CEILING[0], CEILING[1], mean))
            ceilings += 1
        elif entry.role == "null" and entry.simulator == best_null:
            found.append(Reference(NULL[0], NULL[1], mean))
    return found


def _legend(trends: Sequence[Trend], labels: Sequence[str]) -> str:
    """Marker, name and FLOPs of each model, then the lines of the references."""
    flops = {t.primary.entries[place].label: f for t in trends for place, f in zip(t.places, t.flops, strict=True)}
    items = []
    for label in (label for label in labels if label in flops):
        mark = Svg(16, 14, "")
        mark.marker(8, 7, model_look(labels.index(label)), 4.5)
        items.append(f"<li>{mark.render('key')}<b>{escape(label)}</b> {escape(number(flops[label]))} FLOPs</li>")
    for name, look in (GAME, CEILING, NULL):
        line = Svg(30, 14, "")
        line.path([(1, 7), (29, 7)], look)
        items.append(f"<li>{line.render('key')}{escape(name)}</li>")
    return f'<ul class="legend" aria-label="Models and references">{"".join(items)}</ul>'


def _few_points(trends: Sequence[Trend]) -> str:
    most = max(len(trend.places) for trend in trends)
    if most >= 5:
        return ""
    return f"{most} scales are {most} points: a slope can be told, a law of scaling cannot.".replace(MINUS, "-")
