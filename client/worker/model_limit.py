"""The models that a site answers within a year: held before a person is asked to allow another."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from hepafed.client.release import Ledger, QuestionHistory, Request
from hepafed.common.contract import SiteConfig
from hepafed.common.contract.messages import CompareRequest, ValidateRequest


class ModelLimit:
    """Refuses a validation or comparison of a model for which site.toml leaves no room."""

    def __init__(
        self,
        home: Path,
        config: SiteConfig,
        ledger: Ledger,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._history, self._most = QuestionHistory(home, ledger), config.models_a_year
        self._clock = clock

    def permit(self, request: Request) -> None:
        """Check each model that a request asks about; any other request passes.

        Raises
        ------
        RefusedError
            `models_a_year` is used up: `client questions` shows the models.
        ConfigError
            questions.json is not the file that the site wrote last.
        """
        if isinstance(request, (ValidateRequest, CompareRequest)):
            models = request.models if isinstance(request, CompareRequest) else (request,)
            for m in models:
                self._history.must_have_room(
                    request.split,
                    m.weights,
                    m.plan,
                    most=self._most,
                    now=self._clock(),
                )
