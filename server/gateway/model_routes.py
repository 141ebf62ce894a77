"""What people ask about models: their cards, and their weights."""

import json
from typing import Any

from hepafed.server.coordinator import Coordinator
from hepafed.server.formats import ModelCard
from hepafed.server.gateway.api import Api
from hepafed.server.models import card_text
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route


def model_routes(api: Api, coordinator: Coordinator) -> list[Route]:
    """Return the routes."""
    registry = coordinator.stores.registry

    def model(request: Request) -> object:
        return _values(registry.card(request.path_params["model"]))

    async def weights(request: Request) -> Response:
        api.admit(request, "model")
        path = await run_in_threadpool(registry.weights, request.path_params["model"])
        return FileResponse(path, media_type="application/octet-stream")

    return [
        api.get("models", "/api/models", lambda _request: [_values(c) for c in registry.all()]),
        api.get("model", "/api/models/{model}", model),
        Route("/api/models/{model}/weights", weights, methods=["GET"]),
    ]


def _values(card: ModelCard) -> dict[str, Any]:
    """Return the card's values in the order of card.json, so that an export has its bytes."""
    return dict(json.loads(card_text(card)))
