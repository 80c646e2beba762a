"""Cost of a renewal, for people: pages, requests to the store, US dollars."""

from __future__ import annotations

from feedmirror.entrypoints.cli.terminal import counted
from feedmirror.entrypoints.store import StoreLocation
from feedmirror.mirror.renewal_work import RenewalWork

# Source: Amazon S3 pricing, S3 Standard in us-east-1, as of 2026-11.
S3_WRITE_USD = 0.005 / 1000  # a PUT or LIST
S3_READ_USD = 0.0004 / 1000  # a GET


def usd_of(work: RenewalWork) -> float:
    """Return what the requests cost in S3."""
    return work.writes * S3_WRITE_USD + work.reads * S3_READ_USD


def shown_requests(work: RenewalWork, location: StoreLocation) -> str:
    """Render requests and dollars: `3,700 requests ($0.02)`; in a directory they cost none."""
    requests = counted(f"{work.requests:,}", "request")
    if location.directory is not None:
        return requests
    return f"{requests} ({shown_usd(usd_of(work))})"


def shown_usd(usd: float) -> str:
    """Render dollars: `$1,234.56`."""
    return f"${usd:,.2f}" if usd >= 0.005 else "less than a cent"
