"""The queue of refreshes, in SQS: a FIFO queue in which each feed is a message group of its own.

So a feed is never refreshed twice at once, and one that fails stands in no other's way.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from feedmirror.adapters.aws import make_client
from feedmirror.adapters.retries import Patience

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

_BATCH = 10  # messages a request. Source: SQS, "Amazon SQS message quotas"

Bodies = Sequence[tuple[str, str]]  # (message group, body)


class SqsQueue:
    """The `Queue` of `ports.py`; one sender at a time."""

    def __init__(self, client: SQSClient, url: str, threads: int) -> None:
        self._client = client
        self._url = url
        self._threads = threads

    @classmethod
    def connect(cls, url: str, *, threads: int) -> SqsQueue:
        """The queue at that address, with a client of its own; nothing is asked of it yet.

        Raises: StoreError if the surroundings (an AWS profile, say) cannot be used.
        """
        return cls(make_client("sqs", threads=threads), url, threads)

    def send(self, bodies: Mapping[str, str], name: str) -> dict[str, str]:
        """The groups whose message could not be sent, with the reason; all others are sent.

        What was sent under the same `name` within five minutes is not sent again: whoever does
        not know how far it got may repeat it all. Source: SQS, "Exactly-once processing".
        """
        pairs = list(bodies.items())
        batches = [pairs[at : at + _BATCH] for at in range(0, len(pairs), _BATCH)]
        with ThreadPoolExecutor(self._threads) as pool:
            answers = pool.map(lambda batch: dict(self._send(batch, name)), batches)
            return {group: why for answer in answers for group, why in answer.items()}

    def _send(self, batch: Bodies, name: str) -> Iterator[tuple[str, str]]:
        """What could not be sent of at most ten messages, also after some more attempts."""
        patience = Patience()
        while True:
            refused = self._ask(batch, name)
            yield from ((group, why) for group, (why, is_ours) in refused.items() if is_ours)
            batch = [pair for pair in batch if pair[0] in refused and not refused[pair[0]][1]]
            if not batch or not patience.lasts():
                break
        yield from ((group, refused[group][0]) for group, _ in batch)

    def _ask(self, batch: Bodies, name: str) -> dict[str, tuple[str, bool]]:
        """What was refused: why, and whether that is for good."""
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
        except (ClientError, BotoCoreError) as error:  # botocore has tried again already
            return {group: (" ".join(str(error).split()), True) for group, _ in batch}
        return {
            batch[int(failed["Id"])][0]: (
                f"{failed['Code']}: {failed.get('Message', 'no message')}",
                failed["SenderFault"],
            )
            for failed in answer.get("Failed", ())
        }
