"""The list of models shows a figure that is missing as missing."""

import pytest
from hepafed.server.cli.models import tuning_auc


@pytest.mark.parametrize(("value", "shown"), [(None, "–"), (0.0, "0.000"), (0.98765, "0.988")])
def test_a_missing_tuning_auc_is_not_shown_as_nought(value: float | None, shown: str) -> None:
    assert tuning_auc(value) == shown
