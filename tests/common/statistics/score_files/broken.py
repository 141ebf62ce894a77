"""Good score tables at random, and the ways in which tables that people have are broken."""

import io
import random
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

HEAD3 = ("site", "patient_id", "lesion_id", "truth", "p_benign", "p_primary_malignant")
HEAD3 += ("p_metastatic", "reader_a", "reader_b", "group_sex", "group_age")
HEAD2 = ("site", "patient_id", "truth", "score", "reader_a", "group_sex")
CLASSES = ("benign", "primary_malignant", "metastatic")
NOTHING = ("", "NA", "n/a", "NaN", "null", " ", "#N/A", "-")
SPACES = (" ", "\u00a0", "\t", "\u200b", "\ufeff", "  ")


@dataclass
class Table:
    """The cells of a table that is good until a way of breaking it changes them."""

    head: list[str]
    rows: list[list[str]]
    separator: str = ","
    encoding: str = "utf-8"
    end: str = "\n"

    def content(self) -> bytes:
        lines = [self.head, *self.rows]
        quoted = [[f'"{c}"' if self.separator in c else c for c in line] for line in lines]
        text = "".join(self.separator.join(line) + self.end for line in quoted)
        return text.encode(self.encoding)

    def place(self, name: str) -> int:
        return [h.casefold() for h in self.head].index(name)


def good_table(seed: int, two_classes: bool) -> Table:
    """Make a table of 4 unequal sites, in no order; patients have 1 to 3 lesions."""
    rng = np.random.default_rng(seed)
    rows = []
    for p in range(int(rng.integers(12, 25))):
        site = "abcd"[int(rng.integers(0, 4)) * int(rng.integers(0, 2))]
        sex, age = rng.choice(["F", "M"]), rng.choice(["<40", "40-59", "60+"])
        for lesion in range(1 if two_classes else int(rng.integers(1, 4))):
            truth, values = int(rng.integers(0, 3)), np.round(rng.dirichlet([1, 1, 1]), 4)
            values[2] = 1 - values[0] - values[1]
            calls = [str(rng.choice(["0", "1", ""], p=[0.45, 0.45, 0.1])) for _ in range(2)]
            if two_classes:
                score = f"{1 - values[0]:.4f}"
                rows.append([site, f"P{p:03d}", str(min(truth, 1)), score, calls[0], str(sex)])
                continue
            named = [site, f"P{p:03d}", f"L{lesion + 1}", CLASSES[truth]]
            rows.append([*named, *(f"{v:.4f}" for v in values), *calls, str(sex), str(age)])
    order = rng.permutation(len(rows))
    return Table(list(HEAD2 if two_classes else HEAD3), [rows[i] for i in order])


Break = Callable[[Table, random.Random], int]
"""Breaks a table; returns the row that must be named, 0 where no row is meant."""


def _cell(table: Table, chance: random.Random, *names: str) -> tuple[int, int]:
    held = [n for n in names if n in table.head]
    return chance.randrange(len(table.rows)), table.place(chance.choice(held))


def blank_id(table: Table, chance: random.Random) -> int:
    i, c = _cell(table, chance, "site", "patient_id", "lesion_id")
    table.rows[i][c] = chance.choice(NOTHING)
    return i + 2


def space_round_a_value(table: Table, chance: random.Random) -> int:
    i, c = _cell(table, chance, *table.head)
    space = chance.choice(SPACES)
    table.rows[i][c] = chance.choice([space + table.rows[i][c], table.rows[i][c] + space])
    return i + 2


def another_case(table: Table, chance: random.Random) -> int:
    i, c = _cell(table, chance, "site", "patient_id", "lesion_id", "truth", "group_sex")
    table.rows[i][c] = table.rows[i][c].swapcase()
    return i + 2


def the_same_lesion_again(table: Table, chance: random.Random) -> int:
    again = list(chance.choice(table.rows))
    if "lesion_id" in table.head:
        at = table.place("lesion_id")
        again[at] = chance.choice([again[at], " " + again[at], again[at].lower()])
    at = table.place("score" if "score" in table.head else "p_benign")
    table.rows.append(again)
    return len(table.rows) + 1


def another_sex_of_a_patient(table: Table, chance: random.Random) -> int:
    c, patient = table.place("group_sex"), table.place("patient_id")
    ids = [row[patient] for row in table.rows]
    several = [i for i, name in enumerate(ids) if ids.count(name) > 1]
    if not several:
        return 0
    i = chance.choice(several)
    table.rows[i][c] = "M" if table.rows[i][c] == "F" else "F"
    return i + 2


def wrong_truth(table: Table, chance: random.Random) -> int:
    i, c = _cell(table, chance, "truth")
    table.rows[i][c] = chance.choice(["HCC", "", "3", "-1", "benign?", "0.5", *NOTHING])
    return i + 2


def wrong_probability(table: Table, chance: random.Random) -> int:
    i, c = _cell(table, chance, "p_benign", "p_primary_malignant", "p_metastatic", "score")
    text = table.rows[i][c]
    wrong = ["", "NA", "x", "-0.2", "1.3", "85", "12%", "0,5", "1e5", "inf", f"{text}.1", "1 2"]
    table.rows[i][c] = chance.choice([*wrong, text.replace(".", ";"), f"~{text}"])
    return i + 2


def probabilities_of_another_sum(table: Table, chance: random.Random) -> int:
    i, c = _cell(table, chance, "p_benign", "score")
    if "score" in table.head:
        table.rows[i][c] = "1.0001"
        return i + 2
    table.rows[i][c] = f"{float(table.rows[i][c]) / 2 + 0.1:.4f}"
    return i + 2


def wrong_call(table: Table, chance: random.Random) -> int:
    i, c = _cell(table, chance, "reader_a", "reader_b")
    table.rows[i][c] = chance.choice(["2", "-1", "maybe", "5", "01", "0.5", "NA", "ja"])
    return i + 2


def wrong_level(table: Table, chance: random.Random) -> int:
    i, c = _cell(table, chance, "group_sex", "group_age")
    table.rows[i][c] = chance.choice(["63", "1957-03-01", "19. Okt", "smith, john", "NA", "x" * 30])
    return i + 2


def a_cell_less(table: Table, chance: random.Random) -> int:
    i = chance.randrange(len(table.rows))
    del table.rows[i][chance.randrange(len(table.head))]
    return i + 2


def a_cell_more(table: Table, chance: random.Random) -> int:
    i = chance.randrange(len(table.rows))
    table.rows[i].insert(chance.randrange(len(table.head)), "0")
    return i + 2


def the_header_again(table: Table, chance: random.Random) -> int:
    i = chance.randrange(len(table.rows))
    table.rows.insert(i, [h.upper() for h in table.head])
    return i + 2


def a_quotation_mark(table: Table, chance: random.Random) -> int:
    i, c = _cell(table, chance, *table.head)
    table.rows[i][c] = '"' + table.rows[i][c]
    return 0


def words_for_numbers(table: Table, chance: random.Random) -> int:
    words = chance.choice([("no", "yes"), ("Benign", "malignant"), ("negative", "POSITIVE")])
    names = ("reader_a", "truth") if "score" in table.head else ("reader_a",)
    for row in table.rows:
        for c in map(table.place, names):
            row[c] = words[int(row[c])] if row[c] else ""
    return 0


def header_in_another_case(table: Table, chance: random.Random) -> int:
    table.head = [chance.choice([h.upper(), h.title(), h, f" {h} "]) for h in table.head]
    return 0


def another_file(table: Table, chance: random.Random) -> int:
    table.separator = chance.choice([";", "\t", ",", "|"])
    table.encoding = chance.choice(["utf-8", "utf-8-sig", "utf-16"])
    table.end = chance.choice(["\n", "\r\n", "\r"])
    if chance.random() < 0.5:
        for row in table.rows:
            row[:] = [c.replace(".", ",") for c in row]
    return 0


def columns_in_another_order(table: Table, chance: random.Random) -> int:
    order = list(range(len(table.head)))
    chance.shuffle(order)
    table.head = [table.head[i] for i in order]
    table.rows = [[row[i] for i in order] for row in table.rows]
    return 0


def empty_lines(table: Table, chance: random.Random) -> int:
    for _ in range(chance.randint(1, 3)):
        table.rows.insert(chance.randrange(len(table.rows)), [""] * chance.choice([1, 2, 9]))
    return 0


def a_missing_column(table: Table, chance: random.Random) -> int:
    name = chance.choice([h for h in table.head if h not in ("site", "reader_b", "group_age")])
    at = table.place(name)
    table.head[at] = "x"
    return 0


BREAKS: tuple[Break, ...] = (
    *(blank_id, space_round_a_value, another_case, the_same_lesion_again),
    *(another_sex_of_a_patient, wrong_truth, wrong_probability, probabilities_of_another_sum),
    *(wrong_call, wrong_level, a_cell_less, a_cell_more, the_header_again, a_quotation_mark),
    *(words_for_numbers, header_in_another_case, another_file, columns_in_another_order),
    *(empty_lines, a_missing_column),
)


def cut_off(content: bytes, chance: random.Random) -> bytes:
    """Give a file that ends early, as a broken transfer leaves it."""
    held = io.BytesIO(content)
    return held.read(chance.randrange(1, len(content)))
