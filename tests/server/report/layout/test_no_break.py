"""No line ends between a number and its unit, and nothing but text is changed."""

import pytest
from hepafed.server.report.layout import no_breaks

from tests.server.report.kinds import page_of

NB = "\N{NO-BREAK SPACE}"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("95 % CI", "95_%_CI"),
        ("80–95 % of 30", "80–95_% of 30"),
        ("n = 12; p &lt; 0.001", "n_=_12; p_&lt;_0.001"),
        ("ε = 2.5", "ε_=_2.5"),
        ("±3.2 × 10⁻⁵ more", "±3.2_×_10⁻⁵ more"),
        ("Figure 3 and Table 1.", "Figure_3 and Table_1."),
        ("84 mm and 600 dpi", "84_mm and 600_dpi"),
        ("3 sites, 2 hospitals", "3 sites, 2 hospitals"),
        ("14 minutes", "14 minutes"),
        ("A − B", "A − B"),
    ],
)
def test_a_number_stays_with_its_unit(before: str, after: str) -> None:
    assert no_breaks(f"<p>{before}</p>") == f"<p>{after.replace('_', NB)}</p>"


@pytest.mark.parametrize(
    "kept",
    [
        "<style>.a { width: 95 % }</style>",
        '<p title="95 % CI"></p>',
        "<code>n = 3</code>",
        "<style>\na { b: 1 %;\n}\n</style>",
    ],
)
def test_styles_attributes_and_values_to_copy_stay_as_they_are(kept: str) -> None:
    assert no_breaks(kept) == kept


def test_the_page_has_no_percent_that_can_stand_alone() -> None:
    page = page_of("two looks")
    body = page.split("</style>")[1]
    assert f"95{NB}%{NB}CI" in body
    assert "95 % CI</th>" not in body
