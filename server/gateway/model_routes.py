"""What people ask about models: their cards, and their weights."""

from hepafed.server.coordinator import Coordinator
from hepafed.server.gateway.api import Api
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route


def model_routes(api: Api, coordinator: Coordinator) -> list[Route]:
    """Return the routes."""
    registry = coordinator.stores.registry

    def model(request: Request) -> object:
        return registry.card(request.path_params["model"])

    async def weights(request: Request) -> Response:
        api.admit(request, "model")
        path = registry.folder(request.path_params["model"]) / "weights.safetensors"
        return FileResponse(path, media_type="application/octet-stream")

    return [
        api.get("models", "/api/models", lambda _request: registry.all()),
        api.get("model", "/api/models/{model}", model),
        Route("/api/models/{model}/weights", weights, methods=["GET"]),
    ]
