"""Every table of the page as a LaTeX file to be taken into a paper (booktabs)."""

from collections.abc import Iterable

from hepafed.server.report.tables import Table, cell_words

SPECIAL = {
    "\\": r"\textbackslash{}",
    **{c: "\\" + c for c in "&%$#_{}"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    '"': r"\textquotedbl{}",
    "–": "--",
    "—": "---",
    "−": "$-$",
    "±": r"$\pm$",
    "×": r"$\times$",
    "≥": r"$\geq$",
    "≤": r"$\leq$",
    "→": r"$\rightarrow$",
    "²": r"\textsuperscript{2}",
    "τ": r"$\tau$",
    "…": r"\ldots{}",
    "’": "'",
    "⁻": r"\textsuperscript{$-$}",
    **{c: rf"\textsuperscript{{{n}}}" for n, c in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")},
    "\u00a0": "~",
}
"""What LaTeX reads as a command, or pdfLaTeX's fonts lack, and what is written instead."""
HEAD = "% needs \\usepackage{booktabs}; written by HepaFed from report.json\n"
LONGEST = 36
"""Characters of a cell that stays on one line."""
MOST_ROWS = 40
"""A table with more rows goes over pages (longtable)."""


def latex_files(tables: Iterable[Table]) -> dict[str, str]:
    """Return every table by file name (`tables/rates.tex`); the caption is in it."""
    return {f"tables/{t.name}.tex": latex(t) for t in tables if t.rows}


def latex(table: Table) -> str:
    """Write one table; small print stands behind its figure, notes below the table."""
    columns = _columns(table)
    head = " & ".join(escaped(h) for h in table.head) + r" \\"
    body = "\n".join(" & ".join(map(_cell, row)) + r" \\" for row in table.rows)
    title = rf"\caption{{{escaped(table.caption)}}}\label{{tab:{table.name}}}"
    note = f"\n\n\\smallskip{{\\footnotesize {escaped(table.note)}\\par}}" if table.note else ""
    if len(table.rows) > MOST_ROWS:
        needs = HEAD.replace("{booktabs}", "{booktabs,longtable}")
        return (
            f"{needs}\\begin{{longtable}}{{{columns}}}\n{title}\\\\\n\\toprule\n{head}\n\\midrule\n"
            f"\\endhead\n{body}\n\\bottomrule\n\\end{{longtable}}{note}\n"
        )
    return (
        f"{HEAD}\\begin{{table}}\n\\centering\n{title}\n\\begin{{tabular}}{{{columns}}}\n\\toprule\n"
        f"{head}\n\\midrule\n{body}\n\\bottomrule\n\\end{{tabular}}{note}\n\\end{{table}}\n"
    )


def _columns(table: Table) -> str:
    """Return a column for each head: as wide as its words, or broken into lines where long."""
    longest = [
        max(len("".join(cell_words(row[i]))) for row in table.rows) for i in range(len(table.head))
    ]
    broken = sum(n > LONGEST for n in longest)
    share = f"p{{{0.6 / broken:.2f}\\linewidth}}" if broken else ""
    return "".join(share if n > LONGEST else "l" for n in longest)


def _cell(value: object) -> str:
    main, small = cell_words(value)
    return escaped(main) + (rf" {{\footnotesize {escaped(small)}}}" if small else "")


def escaped(words: str) -> str:
    """Return words as LaTeX prints them: no character of theirs is a command."""
    return "".join(SPECIAL.get(c, c) for c in " ".join(words.split()))
