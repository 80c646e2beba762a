"""Queue of refreshes in SQS: a FIFO queue with a message group for each feed.

So a feed is never refreshed twice at once, and a feed that fails does not block other feeds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from feedmirror.adapters.aws import make_client
from feedmirror.adapters.deadline import Backoff

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

_BATCH = 10  # messages per request. Source: SQS, "Amazon SQS message quotas"

Bodies = Sequence[tuple[str, str]]  # (message group, body)


class SqsQueue:
    """The `Queue` of `ports.py`; one call of `send` at a time."""

    def __init__(self, client: SQSClient, url: str, threads: int) -> None:
        self._client = client
        self._url = url
        self._threads = threads

    @classmethod
    def connect(cls, url: str, *, threads: int) -> SqsQueue:
        """Return the queue at `url`, with a client of its own; sends no request yet.

        Raises: StoreError if the AWS configuration (a profile, say) cannot be used.
        """
        return cls(make_client("sqs", threads=threads), url, threads)

    def send(self, bodies: Mapping[str, str], name: str) -> dict[str, str]:
        """Send one message per group; return the groups that failed, with the reason.

        Idempotent for five minutes: a message already sent under the same `name` is not sent again,
        so after a crash everything can be repeated. Source: SQS, "Exactly-once processing".
        """
        pairs = list(bodies.items())
        batches = [pairs[at : at + _BATCH] for at in range(0, len(pairs), _BATCH)]
        with ThreadPoolExecutor(self._threads) as pool:
            failures = pool.map(lambda batch: dict(self._send(batch, name)), batches)
            return {group: why for failed in failures for group, why in failed.items()}

    def _send(self, batch: Bodies, name: str) -> Iterator[tuple[str, str]]:
        """Send at most ten messages, with retries; yield the groups that failed and why."""
        backoff = Backoff()
        while True:
            failed = self._send_once(batch, name)
            yield from ((group, why) for group, (why, is_final) in failed.items() if is_final)
            batch = [pair for pair in batch if pair[0] in failed and not failed[pair[0]][1]]
            if not batch or not backoff.wait_to_retry():
                break
        yield from ((group, failed[group][0]) for group, _ in batch)

    def _send_once(self, batch: Bodies, name: str) -> dict[str, tuple[str, bool]]:
        """Send one request; return the groups that failed: why, and True if a retry is useless."""
        try:
            answer = self._client.send_message_batch(
                QueueUrl=self._url,
                Entries=[
                    {
                        "Id": str(number),
                        "MessageBody": body,
                        "MessageGroupId": group,
                        "MessageDeduplicationId": f"{name}/{group}",
                    }
                    for number, (group, body) in enumerate(batch)
                ],
            )
        except (ClientError, BotoCoreError) as error:  # after botocore's own retries
            return {group: (" ".join(str(error).split()), True) for group, _ in batch}
        return {
            batch[int(failed["Id"])][0]: (
                f"{failed['Code']}: {failed.get('Message', 'no message')}",
                failed["SenderFault"],
            )
            for failed in answer.get("Failed", ())
        }
