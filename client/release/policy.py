"""What a site's policy lets happen: the last word on every request."""

from hepafed.common.contract import MOST_MODELS, SiteConfig
from hepafed.common.contract.messages import (
    CohortRequest,
    CompareRequest,
    KeysRequest,
    OpenRequest,
    PlacementsRequest,
    SumsRequest,
    TrainRequest,
    TuneRequest,
    ValidateRequest,
)
from hepafed.common.errors import RefusedError

MaskedRequest = KeysRequest | SumsRequest | OpenRequest
Request = (
    TrainRequest
    | TuneRequest
    | ValidateRequest
    | CompareRequest
    | CohortRequest
    | PlacementsRequest
    | MaskedRequest
)


def permit(config: SiteConfig, request: object) -> Request:
    """Return a request that policy lets pass.

    A validate site neither trains nor tunes, and only its external cohort is scored; a training
    site is validated on its internal test alone. Masked sums are joined by sites whose policy
    says `masked`; what they are of was asked, and permitted, before.

    Raises
    ------
    RefusedError
        Policy does not let the request pass; the message says why.
    """
    if isinstance(request, (TrainRequest, TuneRequest)):
        if config.role != "train":
            raise RefusedError(f"this site has the role {config.role}; it never trains")
        return request
    if config.privacy is not None and isinstance(request, (CompareRequest, PlacementsRequest)):
        raise RefusedError("this site adds noise to its answers; it answers no such question")
    if isinstance(request, (ValidateRequest, CompareRequest)):
        wanted = "external" if config.role == "validate" else "test"
        if request.split != wanted:
            raise RefusedError(f"a {config.role} site is validated on its {wanted} split only")
        if isinstance(request, CompareRequest):
            _check_models(request)
        return request
    if isinstance(request, CohortRequest):
        if not config.share_cohort_summary:
            raise RefusedError("this site's policy does not share a summary of its cohort")
        return request
    if isinstance(request, PlacementsRequest):
        if config.release == "cells":
            raise RefusedError("this site's policy releases cells, which have no placement sums")
        return request
    if isinstance(request, (KeysRequest, SumsRequest, OpenRequest)):
        if config.release != "masked":
            raise RefusedError(f"this site's policy releases {config.release}, not masked")
        if isinstance(request, KeysRequest) and request.terms.run != request.run:
            raise RefusedError("the terms of a masked sum are another run's")
        return request
    raise RefusedError("the request is not one that a site can answer")


def _check_models(request: CompareRequest) -> None:
    count = len(request.models)
    if not 2 <= count <= MOST_MODELS or len({m.weights for m in request.models}) < count:
        raise RefusedError(f"a comparison needs 2 to {MOST_MODELS} different models")
