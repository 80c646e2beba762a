"""S3 for the benchmarks: moto's server in a process of its own, which counts what it is asked.

python bench/s3.py     makes the bucket BUCKET; each line on stdin is answered with the counts
                       of requests by method since the line before, as JSON
"""

from __future__ import annotations

import json
import logging
import re
from collections import Counter
from typing import Self

from companion import Companion, attend

BUCKET = "feedmirror-bench"
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
}
_METHOD = re.compile(r"(GET|PUT|HEAD|POST|DELETE) /")  # werkzeug colours some


class S3:
    """The handle of the process, for `with`."""

    def __init__(self) -> None:
        self._companion = Companion(__file__)
        self.url = self._companion.address

    @property
    def env(self) -> dict[str, str]:
        """What a program needs to find it, and nothing else."""
        return {**CREDENTIALS, "AWS_ENDPOINT_URL_S3": self.url}

    def requests(self) -> Counter[str]:
        """How often it was asked since the last time, by method."""
        return Counter(json.loads(self._companion.ask("count")))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._companion.__exit__(*exception)


# ---------------------------------------------------------------- in the process itself


class _Counting(logging.Handler):
    """Counts the lines that werkzeug logs, one a request; they go nowhere else."""

    def __init__(self) -> None:
        super().__init__()
        self._seen: Counter[str] = Counter()

    def emit(self, record: logging.LogRecord) -> None:
        found = _METHOD.search(record.getMessage())
        if found:
            self._seen[found[1]] += 1

    def take(self) -> str:
        """The counts so far; the next ones begin anew."""
        seen, self._seen = self._seen, Counter()
        return json.dumps(seen)


def main() -> None:
    """Serve until stdin ends."""
    import jobs  # noqa: F401 - finds the tests and the package

    from s3_server import SESSION, moto_server

    counting = _Counting()
    logger = logging.getLogger("werkzeug")
    logger.propagate = False
    logger.addHandler(counting)  # before the first request, or werkzeug adds one of its own
    with moto_server() as url:
        SESSION.client("s3", endpoint_url=url).create_bucket(Bucket=BUCKET)
        logger.setLevel(logging.INFO)
        attend(url, lambda _: counting.take())


if __name__ == "__main__":
    main()
