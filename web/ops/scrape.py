"""`/metrics`: the registry of this process in Prometheus's text format, or in OpenMetrics when asked for."""

from flask import Blueprint, Response, request
from prometheus_client.exposition import choose_encoder

from web.meters import meters

blueprint = Blueprint("scrape", __name__)


@blueprint.get("/metrics")
def metrics() -> Response:
    """Every metric of docs/metrics.md that can be had now."""
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    response = Response(encode(meters().registry), content_type=content_type)
    response.headers["Cache-Control"] = "no-store"
    return response
