"""What a comparison lost of the report's cases, and when that leaves it without a verdict."""

from hepafed.server.pooling.joining.lost import (
    LEAST_SHARE,
    Lost,
    reader_too_few,
    readers_judged,
    too_few,
)

__all__ = ["LEAST_SHARE", "Lost", "reader_too_few", "readers_judged", "too_few"]
