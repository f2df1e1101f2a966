"""Tables for a paper: booktabs tables that need nothing but \\usepackage{booktabs}."""

from __future__ import annotations

from collections.abc import Sequence

from reports.compare import Difference, Primary
from reports.comparison_tables import p_words
from reports.cost import Cost, cost_cells
from reports.marks import WORDS
from reports.numbers import ABSENT, MINUS, interval, words
from reports.trends import Trend

_SPECIAL = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"$<$", ">": r"$>$", "|": r"$|$",
    MINUS: r"$-$", ABSENT: "--", "·": r"$\cdot$", "\N{MULTIPLICATION SIGN}": r"$\times$", "\u00a0": "~",
}  # fmt: skip
_RAISED = dict(zip("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789", strict=True))


def latex_table(caption: str, head: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    """A table environment of plain text cells."""
    line = lambda cells: " & ".join(map(latex_text, cells)) + r" \\"  # noqa: E731
    return "\n".join(
        [
            "% needs \\usepackage{booktabs}",
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{latex_text(caption)}}}",
            rf"\begin{{tabular}}{{{'l' * len(head)}}}",
            r"\toprule",
            line(head),
            r"\midrule",
            *map(line, body),
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
            "",
        ]
    )


def latex_text(text: str) -> str:
    """Text with everything that LaTeX would read as a command escaped, and raised digits as exponents."""
    parts, raised = [], ""
    for character in text:
        if character in _RAISED:
            raised += _RAISED[character]
            continue
        if raised:
            parts.append(f"$^{{{raised}}}$")
            raised = ""
        parts.append(_SPECIAL.get(character, character))
    return "".join(parts) + (f"$^{{{raised}}}$" if raised else "")


def primaries_tex(primaries: Sequence[Primary]) -> str:
    """Suites down, models across: the primary of each with its interval."""
    labels = list(dict.fromkeys(entry.label for primary in primaries for entry in primary.entries))
    body = []
    for primary in primaries:
        cells = {e.label: interval(e.summary["metrics"].get(primary.metric)) for e in primary.entries}
        own = [_suite(primary), words(primary.metric), WORDS[primary.valid][0]]
        body.append([*own, *(cells.get(label, ABSENT) for label in labels)])
    caption = "Primary numbers with 95 % intervals over scenarios."
    return latex_table(caption, ["suite", "primary", "suite is", *labels], body)


def differences_tex(differences: Sequence[Difference]) -> str:
    body = [
        [
            _suite(d.primary),
            WORDS[d.primary.valid][0],
            f"{d.other.label} {MINUS} {d.base.label}",
            interval(d.found._asdict()),
            str(d.found.pairs),
            p_words(d.adjusted_p),
            d.verdict,
        ]
        for d in differences
    ]
    head = ["suite", "suite is", "difference", "mean [95 % interval]", "pairs", "p (Holm)", "in words"]
    return latex_table("Paired contrasts of the primary numbers.", head, body)


def trends_tex(trends: Sequence[Trend]) -> str:
    body = [
        [
            _suite(t.primary),
            WORDS[t.primary.valid][0],
            interval(t.slope._asdict()),
            str(t.slope.pairs),
            p_words(t.adjusted_p),
            t.verdict,
            t.steps,
        ]
        for t in trends
    ]
    head = ["suite", "suite is", "slope per decade [95 %]", "scenarios", "p (Holm)", "trend", "from scale to scale"]
    return latex_table("Primary numbers against training compute.", head, body)


def costs_tex(costs: Sequence[Cost]) -> str:
    head, *body = cost_cells(costs)
    return latex_table("What each model cost.", head, body)


def _suite(primary: Primary) -> str:
    return primary.key.title
