"""The queue in SQS: every message once, whatever is lost or refused on the way."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from io import BytesIO
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import EndpointConnectionError
from urllib3 import HTTPResponse

from feedmirror.adapters import deadline
from feedmirror.adapters.sqs import SqsQueue
from feedmirror.ports import QueueMessage
from s3_server import REGION, new_session

SLUGS = [f"feed-{number}" for number in range(25)]
BODIES = {slug: json.dumps({"feed": slug}) for slug in SLUGS}


def messages(bodies: Mapping[str, str], name: str = "t1") -> list[QueueMessage]:
    """A message for each body, in the group that it is under."""
    return [QueueMessage(group, f"{name}/{group}", body) for group, body in bodies.items()]


def refused(not_sent: Mapping[QueueMessage, str]) -> dict[str, str]:
    """The reasons by group."""
    return {one.group: why for one, why in not_sent.items()}


@pytest.fixture
def queue(monkeypatch: pytest.MonkeyPatch) -> Iterator[SqsQueue]:
    from moto import mock_aws

    monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=lambda _: None))
    monkeypatch.setattr(deadline, "_FIRST_PAUSE_S", 0.001)
    with mock_aws():
        client = new_session().client("sqs", region_name=REGION)
        attributes = {"FifoQueue": "true", "DeduplicationScope": "messageGroup",
                      "FifoThroughputLimit": "perMessageGroupId"}  # fmt: skip
        url = client.create_queue(QueueName="refreshes.fifo", Attributes=attributes)["QueueUrl"]
        yield SqsQueue(client, url, threads=3)


def received(queue: SqsQueue) -> list[tuple[str, str]]:
    """All messages: group and body."""
    found: list[tuple[str, str]] = []
    while True:
        answer = queue._client.receive_message(
            QueueUrl=queue._url, MaxNumberOfMessages=10, AttributeNames=["MessageGroupId"]
        )
        messages = answer.get("Messages", ())
        if not messages:
            return found
        for message in messages:
            found.append((message["Attributes"]["MessageGroupId"], message["Body"]))
            queue._client.delete_message(
                QueueUrl=queue._url, ReceiptHandle=message["ReceiptHandle"]
            )


def disturb(queue: SqsQueue, *answers: Any) -> list[dict[str, Any]]:
    """Have the next requests answered so, each after it was carried out or not; what was asked.

    An answer is a function of the entries that were sent; None: as SQS does.
    """
    ahead, asked = list(answers), []
    send = queue._client.send_message_batch

    def answer(**request: Any) -> Any:
        asked.append(request)
        made = ahead.pop(0) if ahead else None
        return send(**request) if made is None else made(request, send)

    queue._client.send_message_batch = answer  # type: ignore[method-assign]
    return asked


def refusing(*slugs: str, code: str = "InternalError", by_sender: bool = False) -> Any:
    def answer(request: Any, send: Any) -> Any:
        entries = request["Entries"]
        taken = [entry for entry in entries if entry["MessageGroupId"] not in slugs]
        done = send(**{**request, "Entries": taken}) if taken else {}
        failed = [
            {"Id": entry["Id"], "Code": code, "SenderFault": by_sender, "Message": "Because."}
            for entry in entries
            if entry["MessageGroupId"] in slugs
        ]
        return {"Successful": done.get("Successful", []), "Failed": failed}

    return answer


def test_each_message_is_sent_in_a_group_of_its_own(queue: SqsQueue) -> None:
    assert queue.send(messages(BODIES)) == {}
    assert sorted(received(queue)) == sorted(BODIES.items())


def test_request_holds_no_more_bytes_than_sqs_takes(queue: SqsQueue) -> None:
    asked = disturb(queue)
    large = {slug: json.dumps({"feed": slug, "known": "x" * 59_000}) for slug in SLUGS[:9]}
    assert queue.send(messages(large)) == {}
    sizes = [sum(len(e["MessageBody"]) for e in request["Entries"]) for request in asked]
    assert len(sizes) == 3
    assert max(sizes) <= 240_000
    assert len(received(queue)) == 9


def test_held_message_comes_again_after_the_time_it_is_held_for(queue: SqsQueue) -> None:
    queue.send(messages({"a": "1"}))
    (first,) = queue._client.receive_message(QueueUrl=queue._url)["Messages"]
    assert queue._client.receive_message(QueueUrl=queue._url).get("Messages", []) == []
    assert queue.hold(first["ReceiptHandle"], 0) is None
    assert received(queue) == [("a", "1")]


def test_message_that_cannot_be_held_is_a_reason_and_no_crash(queue: SqsQueue) -> None:
    why = queue.hold("no receipt", 130)
    assert why is not None
    assert "ReceiptHandleIsInvalid" in why


def test_ten_messages_share_a_request(queue: SqsQueue) -> None:
    asked = disturb(queue)
    queue.send(messages(BODIES))
    assert sorted(len(request["Entries"]) for request in asked) == [5, 10, 10]


@pytest.mark.slow
def test_ten_thousand_messages_are_a_thousand_requests() -> None:
    """With the real client, up to the wire: moto looks for doubles among all, at each message."""
    asked: list[list[str]] = []

    def answer(request: Any, **_: object) -> AWSResponse:
        entries = json.loads(request.body)["Entries"]
        asked.append([entry["MessageGroupId"] for entry in entries])
        taken = [{"Id": entry["Id"], "MessageId": "m"} for entry in entries]
        body = BytesIO(json.dumps({"Successful": taken}).encode())
        headers = {"Content-Type": "application/x-amz-json-1.0"}
        return AWSResponse(request.url, 200, headers, HTTPResponse(body, preload_content=False))

    client = new_session().client("sqs", region_name=REGION)
    client.meta.events.register("before-send.sqs", answer)
    queue = SqsQueue(client, "https://sqs.us-east-1.amazonaws.com/1/refreshes.fifo", threads=10)
    slugs = [f"feed-{number}" for number in range(10_000)]

    assert queue.send(messages({slug: json.dumps({"feed": slug}) for slug in slugs})) == {}
    assert len(asked) == 1_000
    assert sorted(slug for batch in asked for slug in batch) == sorted(slugs)


def test_nothing_to_send_asks_nothing(queue: SqsQueue) -> None:
    asked = disturb(queue)
    assert queue.send([]) == {}
    assert asked == []


@pytest.mark.row("O2")
def test_repeated_tick_sends_no_message_twice(queue: SqsQueue) -> None:
    queue.send(messages(BODIES)[:7])
    queue.send(messages(BODIES))
    assert sorted(received(queue)) == sorted(BODIES.items())


def test_next_tick_asks_for_the_same_feed_again(queue: SqsQueue) -> None:
    queue.send(messages({"a": "1"}, "t1"))
    queue.send(messages({"a": "2"}, "t2"))
    assert [body for _, body in received(queue)] == ["1", "2"]


def test_message_that_sqs_did_not_take_is_retried(queue: SqsQueue) -> None:
    asked = disturb(queue, refusing("b", "d"), refusing("d"))
    assert refused(queue.send(messages({slug: slug for slug in "abcde"}))) == {}
    assert [[e["MessageGroupId"] for e in request["Entries"]] for request in asked] == [
        ["a", "b", "c", "d", "e"],
        ["b", "d"],
        ["d"],
    ]
    assert sorted(received(queue)) == [(slug, slug) for slug in "abcde"]


def test_message_that_sqs_never_takes_is_reported_with_the_reason(queue: SqsQueue) -> None:
    asked = disturb(queue, *[refusing("b")] * 20)
    assert refused(queue.send(messages({slug: slug for slug in "abc"}))) == {
        "b": "InternalError: Because."
    }
    assert len(asked) == 6
    assert [group for group, _ in received(queue)] == ["a", "c"]


def test_message_refused_by_our_fault_is_not_retried(queue: SqsQueue) -> None:
    answer = refusing("b", code="InvalidMessageContents", by_sender=True)
    asked = disturb(queue, answer)
    assert refused(queue.send(messages({slug: slug for slug in "abc"}))) == {
        "b": "InvalidMessageContents: Because."
    }
    assert len(asked) == 1


def test_request_that_fails_costs_its_own_messages_only(queue: SqsQueue) -> None:
    def unreachable(request: Any, send: Any) -> Any:
        raise EndpointConnectionError(endpoint_url="https://sqs.example")

    disturb(queue, unreachable)
    not_sent = queue.send(messages(BODIES))
    assert len(not_sent) in {5, 10}
    assert set(not_sent.values()) == {
        'Could not connect to the endpoint URL: "https://sqs.example"'
    }
    assert len(received(queue)) == 25 - len(not_sent)


def test_queue_that_does_not_exist_is_a_reason_and_no_crash(queue: SqsQueue) -> None:
    gone = SqsQueue(queue._client, queue._url.replace("refreshes", "gone"), 1)
    [why] = set(gone.send(messages({"a": "1"})).values())
    assert "NonExistentQueue" in why
    assert "\n" not in why
