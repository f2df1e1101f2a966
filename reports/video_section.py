"""The first thing a reader sees: the player of game and dreams in step, with what it shows and leaves out."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from reports.marks import plain
from reports.numbers import count
from reports.pages import template
from reports.runs import Run
from reports.videos import Gallery


def videos_section(gallery: Gallery, runs: Sequence[Run]) -> str:
    missing = "".join(f"<li>{escape(line)}.</li>" for line in gallery.missing)
    missing = f'<div class="note">No video: <ul>{missing}</ul></div>' if missing else ""
    left_out = [f"{count(n, 'scenario')} of {suite}" for suite, n in gallery.left_out.items()]
    rule = (
        "Which scenarios are shown is decided by name, one of each kind first, suite by suite in turn while the file "
        "stays below 24 MB; none by its result."
    )
    if left_out:
        rule += f" Left out: {', '.join(left_out)}; their videos are in the run folders."
    if not gallery.scenes:
        return f"<p>The runs hold no video that can be shown.</p>{missing}"
    options, group = [], None
    for index, scene in enumerate(gallery.scenes):
        if scene.key != group:
            title = f"{scene.key.title} ({plain(scene.valid)})"
            options.append(("</optgroup>" if group else "") + f'<optgroup label="{escape(title)}">')
            group = scene.key
        chosen = " selected" if index == gallery.opening else ""
        options.append(f'<option value="{index}"{chosen}>{escape(scene.title)}</option>')
    strips = "".join(
        f'<figure class="strip"><figcaption>{escape(scene.key.title)} ({plain(scene.valid)}): {escape(scene.title)}'
        f"</figcaption>{scene.strip}</figure>"
        for scene in gallery.scenes
        if scene.strip
    )
    player = template("player.html").replace("{{options}}", "".join(options) + "</optgroup>")
    return (
        f'{player}<div class="stills">{strips}</div>{missing}<p class="muted">{escape(noise(runs))} {escape(rule)}</p>'
    )


def noise(runs: Sequence[Run]) -> str:
    """Whether the dreams start from the same random numbers: the seed of a scenario's dream comes from the run's."""
    seeds = {run.record.seeds.get("eval") for run in runs if run.labels}
    if sum(len(run.labels) for run in runs) < 2:
        return ""
    if len(seeds) == 1:
        return "All models dream a scenario from one seed: the same noise, where their latents are of one size."
    return "The runs have different seeds, so the dreams do not start from the same noise."
