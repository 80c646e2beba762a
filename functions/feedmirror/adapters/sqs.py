"""Queue in SQS: a FIFO queue with message groups."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from feedmirror.adapters.aws import make_client
from feedmirror.adapters.deadline import Backoff
from feedmirror.ports import QueueMessage

if TYPE_CHECKING:
    from boto3.session import Session
    from mypy_boto3_sqs import SQSClient

_MOST_MESSAGES = 10  # of a request. Source: SQS, "Amazon SQS message quotas"
_MOST_BYTES = 240_000  # of a request, of 256 KiB


class SqsQueue:
    """The `Queue` of `ports.py`; one call of `send` at a time."""

    def __init__(self, client: SQSClient, url: str, threads: int) -> None:
        self._client = client
        self._url = url
        self._threads = threads

    @classmethod
    def connect(cls, url: str, *, threads: int, session: Session | None = None) -> SqsQueue:
        """Return the queue at `url`, with a client of its own; sends no request yet.

        Raises: StoreError if the AWS configuration (a profile, say) cannot be used.
        """
        return cls(make_client("sqs", threads=threads, session=session), url, threads)

    def send(self, messages: Sequence[QueueMessage]) -> dict[QueueMessage, str]:
        """Send the messages; return those that failed, with the reason.

        Idempotent for five minutes: a message already sent under the same name is not sent again,
        so after a crash everything can be repeated. Source: SQS, "Exactly-once processing".
        """
        with ThreadPoolExecutor(self._threads) as pool:
            failures = pool.map(lambda batch: dict(self._send(batch)), _batches(messages))
            return {one: why for failed in failures for one, why in failed.items()}

    def hold(self, receipt: str, seconds: int) -> str | None:
        """Have a received message come again after this time; return the reason where it failed."""
        try:
            self._client.change_message_visibility(
                QueueUrl=self._url, ReceiptHandle=receipt, VisibilityTimeout=seconds
            )
        except (ClientError, BotoCoreError) as error:
            return " ".join(str(error).split())
        return None

    def _send(self, batch: Sequence[QueueMessage]) -> Iterator[tuple[QueueMessage, str]]:
        """Send one request, with retries; yield the messages that failed and why."""
        backoff = Backoff()
        while True:
            failed = self._send_once(batch)
            yield from ((one, why) for one, (why, is_final) in failed.items() if is_final)
            batch = [one for one, (_, is_final) in failed.items() if not is_final]
            if not batch or not backoff.wait_to_retry():
                break
        yield from ((one, failed[one][0]) for one in batch)

    def _send_once(self, batch: Sequence[QueueMessage]) -> dict[QueueMessage, tuple[str, bool]]:
        """Send one request; return those that failed: why, and True if a retry is useless."""
        try:
            answer = self._client.send_message_batch(
                QueueUrl=self._url,
                Entries=[
                    {
                        "Id": str(number),
                        "MessageBody": one.body,
                        "MessageGroupId": one.group,
                        "MessageDeduplicationId": one.name,
                    }
                    for number, one in enumerate(batch)
                ],
            )
        except (ClientError, BotoCoreError) as error:  # after botocore's own retries
            return {one: (" ".join(str(error).split()), True) for one in batch}
        return {
            batch[int(failed["Id"])]: (
                f"{failed['Code']}: {failed.get('Message', 'no message')}",
                failed["SenderFault"],
            )
            for failed in answer.get("Failed", ())
        }


def _batches(messages: Iterable[QueueMessage]) -> Iterator[list[QueueMessage]]:
    """Yield the messages of each request."""
    batch: list[QueueMessage] = []
    size = 0
    for one in messages:
        bytes_of = len(one.body.encode())
        if batch and (len(batch) == _MOST_MESSAGES or size + bytes_of > _MOST_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(one)
        size += bytes_of
    if batch:
        yield batch
