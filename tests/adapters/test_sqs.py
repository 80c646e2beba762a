"""The queue in SQS: every message once, whatever is lost or refused on the way."""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import BytesIO
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import EndpointConnectionError
from urllib3 import HTTPResponse

from feedmirror.adapters import deadline
from feedmirror.adapters.sqs import SqsQueue
from s3_server import REGION, new_session

SLUGS = [f"feed-{number}" for number in range(25)]
BODIES = {slug: json.dumps({"feed": slug}) for slug in SLUGS}


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
    assert queue.send(BODIES, "t1") == {}
    assert sorted(received(queue)) == sorted(BODIES.items())


def test_ten_messages_share_a_request(queue: SqsQueue) -> None:
    asked = disturb(queue)
    queue.send(BODIES, "t1")
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

    assert queue.send({slug: json.dumps({"feed": slug}) for slug in slugs}, "t1") == {}
    assert len(asked) == 1_000
    assert sorted(slug for batch in asked for slug in batch) == sorted(slugs)


def test_nothing_to_send_asks_nothing(queue: SqsQueue) -> None:
    asked = disturb(queue)
    assert queue.send({}, "t1") == {}
    assert asked == []


@pytest.mark.row("O2")
def test_repeated_tick_sends_no_message_twice(queue: SqsQueue) -> None:
    queue.send(dict(list(BODIES.items())[:7]), "t1")
    queue.send(BODIES, "t1")
    assert sorted(received(queue)) == sorted(BODIES.items())


def test_next_tick_asks_for_the_same_feed_again(queue: SqsQueue) -> None:
    queue.send({"a": "1"}, "t1")
    queue.send({"a": "2"}, "t2")
    assert [body for _, body in received(queue)] == ["1", "2"]


def test_message_that_sqs_did_not_take_is_retried(queue: SqsQueue) -> None:
    asked = disturb(queue, refusing("b", "d"), refusing("d"))
    assert queue.send({slug: slug for slug in "abcde"}, "t1") == {}
    assert [[e["MessageGroupId"] for e in request["Entries"]] for request in asked] == [
        ["a", "b", "c", "d", "e"],
        ["b", "d"],
        ["d"],
    ]
    assert sorted(received(queue)) == [(slug, slug) for slug in "abcde"]


def test_message_that_sqs_never_takes_is_reported_with_the_reason(queue: SqsQueue) -> None:
    asked = disturb(queue, *[refusing("b")] * 20)
    assert queue.send({slug: slug for slug in "abc"}, "t1") == {"b": "InternalError: Because."}
    assert len(asked) == 6
    assert [group for group, _ in received(queue)] == ["a", "c"]


def test_message_refused_by_our_fault_is_not_retried(queue: SqsQueue) -> None:
    refused = refusing("b", code="InvalidMessageContents", by_sender=True)
    asked = disturb(queue, refused)
    assert queue.send({slug: slug for slug in "abc"}, "t1") == {
        "b": "InvalidMessageContents: Because."
    }
    assert len(asked) == 1


def test_request_that_fails_costs_its_own_messages_only(queue: SqsQueue) -> None:
    def unreachable(request: Any, send: Any) -> Any:
        raise EndpointConnectionError(endpoint_url="https://sqs.example")

    disturb(queue, unreachable)
    not_sent = queue.send(BODIES, "t1")
    assert len(not_sent) in {5, 10}
    assert set(not_sent.values()) == {
        'Could not connect to the endpoint URL: "https://sqs.example"'
    }
    assert len(received(queue)) == 25 - len(not_sent)


def test_queue_that_does_not_exist_is_a_reason_and_no_crash(queue: SqsQueue) -> None:
    gone = SqsQueue(queue._client, queue._url.replace("refreshes", "gone"), 1)
    [why] = set(gone.send({"a": "1"}, "t1").values())
    assert "NonExistentQueue" in why
    assert "\n" not in why
