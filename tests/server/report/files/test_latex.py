"""A table for LaTeX: what LaTeX takes for a command is escaped, long tables go over pages."""

import re

import pytest
from hepafed.server.report.files.latex import escaped, latex, latex_files
from hepafed.server.report.tables import Table


def table(rows: int = 1, cell: object = "a") -> Table:
    return Table("rates", "Rates", ("Where", "Value"), ((cell, 0.5),) * rows, "A note.")


@pytest.mark.parametrize(
    ("words", "written"),
    [
        ("a_b & 5 %", r"a\_b \& 5 \%"),
        (r"\input{x}", r"\textbackslash{}input\{x\}"),
        ("$#~^", r"\$\#\textasciitilde{}\textasciicircum{}"),
        ("0.9–1.0", "0.9--1.0"),
        ("−0.1", "$-$0.1"),
        ("I², τ²", r"I\textsuperscript{2}, $\tau$\textsuperscript{2}"),
        ("10⁻⁵", r"10\textsuperscript{$-$}\textsuperscript{5}"),
        ("two\n lines", "two lines"),
    ],
)
def test_what_latex_reads_as_a_command_is_written_as_text(words: str, written: str) -> None:
    assert escaped(words) == written


def test_a_row_has_a_cell_for_each_column_and_small_print_behind_its_figure() -> None:
    text = latex(table(cell=("0.95", "0.91–0.98")))
    assert r"0.95 {\footnotesize 0.91--0.98} & 0.5000 \\" in text
    assert r"\begin{tabular}{ll}" in text
    assert r"\caption{Rates}\label{tab:rates}" in text
    assert "A note." in text


@pytest.mark.parametrize(("rows", "long"), [(40, False), (41, True)])
def test_a_table_of_more_than_forty_rows_goes_over_pages(rows: int, long: bool) -> None:
    text = latex(table(rows))
    assert ("longtable" in text) == long
    assert text.count(r"a & 0.5000 \\") == rows


@pytest.mark.parametrize(("length", "column"), [(36, "ll"), (37, "p{0.60\\linewidth}l")])
def test_a_column_of_long_words_is_broken_into_lines(length: int, column: str) -> None:
    found = re.search(r"begin\{tabular\}\{(.*)\}\n", latex(table(cell="x" * length)))
    assert found is not None
    assert found.group(1) == column


def test_an_empty_table_has_no_file() -> None:
    assert list(latex_files([table(), table(0)])) == ["tables/rates.tex"]
