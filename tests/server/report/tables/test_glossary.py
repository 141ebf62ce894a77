"""The glossary explains the terms that a report uses, and no other."""

from hepafed.server.report.tables.glossary import TERMS, glossary


def test_a_term_is_explained_where_a_head_or_caption_uses_it() -> None:
    assert [t for t, _ in glossary(["Kappa (95 % CI)", "Patients"])] == ["CI", "Kappa"]
    assert glossary([]) == []


def test_terms_stand_by_the_alphabet_each_with_one_sentence() -> None:
    names = [t.lower() for t, _, _ in TERMS]
    assert names == sorted(names)
    assert all(m.endswith(".") and m[0].islower() for _, _, m in TERMS)
