"""The log: which events there are, what they hold, and what they never hold."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from itertools import count

import pytest

from feedmirror.entrypoints import telemetry
from feedmirror.entrypoints.cli.result import JsonLog, TextLog, event_line
from feedmirror.entrypoints.cli.terminal import counted
from feedmirror.entrypoints.telemetry import (
    Log,
    Tally,
    json_log,
    log_outcome,
    log_run,
    outcome_fields,
    printable_text,
    redacted,
)
from feedmirror.errors import Kind
from feedmirror.model import Failure, Outcome, Subscription
from recorder import Recorder

NEWS = Subscription("news", "https://news.example.org/feed")
CHANGED = Outcome(
    "news", "changed", 200, new=3, revised=1, unchanged=26, published=("rss.xml",), duration_ms=412
)


def failed(kind: Kind, message: str = "It failed.") -> Outcome:
    return Outcome("news", "failed", failure=Failure(kind.value, kind.group.value, message))


def logged(outcome: Outcome, subscription: Subscription = NEWS) -> tuple[str, object, dict]:
    recorder = Recorder()
    log_outcome(recorder, outcome, subscription)
    [event] = recorder.events
    return event


# ---------------------------------------------------------------- events


def test_event_of_a_feed_has_the_keys_that_operators_filter_by():
    assert logged(CHANGED) == (
        "info",
        "feed refreshed",
        {
            "feed": "news",
            "outcome": "changed",
            "http_status": 200,
            "new": 3,
            "revised": 1,
            "amended": 0,
            "held": 0,
            "unchanged": 26,
            "published": ["rss.xml"],
            "lossless": True,
            "duration_ms": 412,
        },
    )


def test_event_of_a_failure_says_kind_group_and_sentence():
    _, message, extra = logged(failed(Kind.LEGAL, "It is withheld."))
    assert message == "feed refreshed"
    assert (extra["error_kind"], extra["error_group"]) == ("legal", "blocked")
    assert extra["error"] == "It is withheld."
    assert "http_status" not in extra


@pytest.mark.parametrize(
    ("outcome", "level"),
    [
        (CHANGED, "info"),
        (Outcome("news", "unchanged", 304), "info"),
        (Outcome("news", "changed", 200, lossless=False), "info"),
        (Outcome("news", "waiting", note="the origin asked for it"), "info"),
        (Outcome("news", "retired", note="its configuration says so"), "info"),
        (Outcome("news", "unchanged", 200, note="moved for good"), "warning"),
        (Outcome("news", "changed", 200, quarantined=("guid",)), "warning"),
        (failed(Kind.DNS), "warning"),
        (failed(Kind.STORE), "error"),
        (failed(Kind.BUG), "error"),
    ],
)
def test_level_follows_from_the_kind_of_failure(outcome, level):
    assert logged(outcome)[0] == level


def test_tally_adds_up_what_the_run_event_says():
    tally = Tally()
    others = (Outcome("b", "waiting"), Outcome("c", "unchanged"), Outcome("d", "retired"))
    for outcome in (CHANGED, failed(Kind.DNS), *others):
        tally = tally.plus(outcome)
    recorder = Recorder()
    log_run(recorder, tally, duration_ms=900, skipped=2)
    assert recorder.events == [
        (
            "info",
            "run finished",
            {
                "feeds": 5,
                "changed": 1,
                "unchanged": 1,
                "failed": 1,
                "waiting": 1,
                "retired": 1,
                "new": 3,
                "revised": 1,
                "amended": 0,
                "published": 1,
                "skipped": 2,
                "duration_ms": 900,
            },
        )
    ]


def test_fields_are_the_same_for_every_outcome():
    assert outcome_fields(CHANGED, NEWS).keys() == outcome_fields(failed(Kind.DNS), NEWS).keys()


# ---------------------------------------------------------------- what is never logged


@pytest.mark.row("O4")
@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("https://me:secret@a.example/feed fails", "https://***@a.example/feed fails"),
        ("https://secret@a.example/?q=@", "https://***@a.example/?q=@"),
        ("https://a.example/?id=5&token=secret&x=1", "https://a.example/?id=5&token=***&x=1"),
        ("'https://a.example/?API_KEY=secret'", "'https://a.example/?API_KEY=***'"),
        ("https://a.example/?X-Amz-Signature=secret", "https://a.example/?X-Amz-Signature=***"),
        ("https://a.example/?monkey=5", "https://a.example/?monkey=5"),
        ("write to me@a.example", "write to me@a.example"),
    ],
)
def test_credentials_in_addresses_are_hidden(text, safe):
    assert redacted(text, NEWS) == safe


@pytest.mark.row("O4")
def test_values_of_headers_are_hidden_whole_and_in_part():
    headers = {"Authorization": "Bearer abc123def", "X-Short": "en"}
    news = Subscription("news", NEWS.url, headers=headers)
    text = "Invalid header value b'Bearer abc123def'; token abc123def; language en"
    assert redacted(text, news) == "Invalid header value b'***'; token ***; language en"


@pytest.mark.row("O4")
@pytest.mark.parametrize("field", ["failure", "note", "quarantined"])
def test_no_field_of_an_outcome_escapes_redaction(field):
    words = "https://me:secret@a.example/\n\x1b[2J\u202e"
    value = {
        "failure": Failure("bug", "internal", words),
        "note": words,
        "quarantined": (words,),
    }[field]
    outcome = Outcome("news", "unchanged", **{field: value})
    said = str(outcome_fields(outcome, NEWS))
    assert "***@a.example" in said
    assert "secret" not in said
    assert said.isprintable()


@pytest.mark.row("O4")
def test_text_is_printed_on_one_line():
    assert printable_text("one\n two\r\n\x00three") == "one two \ufffdthree"
    assert printable_text("日本 “Ünï”") == "日本 “Ünï”"


# ---------------------------------------------------------------- how it is written


def test_json_log_writes_a_line_an_event_to_stderr(capsys):
    log: Log = json_log()
    log_outcome(log, failed(Kind.DNS, "nicht gefunden: ü"), NEWS)
    log_run(log, Tally(feeds=1), duration_ms=5)
    out, err = capsys.readouterr()
    first, second = map(json.loads, err.splitlines())
    assert out == ""
    assert (first["service"], first["level"], first["error"]) == (
        "feedmirror",
        "WARNING",
        "nicht gefunden: ü",
    )
    assert first["timestamp"].endswith("+00:00")
    assert (second["message"], second["feeds"], second["duration_ms"]) == ("run finished", 1, 5)
    assert "location" not in first


def test_the_commands_log_has_the_lines_of_the_functions_log(capsys):
    lines: list[list[dict[str, object]]] = []
    for log in (json_log(), JsonLog(lambda: datetime.now(UTC))):
        log_outcome(log, Outcome("news", "changed", 200, new=3, published=("rss.xml",)), NEWS)
        log_outcome(log, failed(Kind.DNS, "nicht gefunden: ü \x1b"), NEWS)
        telemetry.log_error(log, "site not published", "x")
        log_run(log, Tally(feeds=1), duration_ms=5)
        lines.append([json.loads(line) for line in capsys.readouterr().err.splitlines()])
    for of_function, of_command in zip(*lines, strict=True):
        assert [*of_function] == [*of_command]
        assert len(str(of_function.pop("timestamp"))) == len(str(of_command.pop("timestamp")))
        assert of_function == of_command


def test_json_log_follows_stderr(capsys, monkeypatch, tmp_path):
    json_log()
    with (tmp_path / "log").open("w") as stream:
        monkeypatch.setattr(sys, "stderr", stream)
        log_run(json_log(), Tally(), duration_ms=1)
        monkeypatch.undo()
    assert "run finished" in (tmp_path / "log").read_text()
    log_run(json_log(), Tally(), duration_ms=1)
    assert "run finished" in capsys.readouterr().err


def test_text_log_says_the_same_in_words():
    written: list[str] = []
    noon = datetime(2026, 11, 23, 12, tzinfo=UTC)
    log = TextLog(written.append, lambda: noon)
    moved = Outcome("news", "unchanged", 200, note="moved for good", duration_ms=7)
    aside = Outcome("news", "changed", 200, quarantined=("a", "b"), duration_ms=8)
    for outcome in (CHANGED, failed(Kind.DNS), moved, aside):
        log_outcome(log, outcome, NEWS)
    when = f"{noon.astimezone():%Y-%m-%d %H:%M:%S}"
    assert [line.removeprefix(f"{when} ") for line in written] == [
        "news changed: 3 new, 1 revised (412 ms)",
        "news failed: It failed. (0 ms)",
        "news unchanged: moved for good (7 ms)",
        "news changed: quarantined, since they cannot be rendered: a, b (8 ms)",
    ]


def test_tally_reads_as_a_sentence():
    recorder = Recorder()
    tally = Tally(feeds=4, changed=2, unchanged=1, failed=1, new=1, revised=2)
    log_run(recorder, tally, duration_ms=1234, skipped=3)
    [(_, message, extra)] = recorder.events
    assert event_line(message, extra) == (
        "4 feeds: 2 changed (1 new entry, 2 revised), 1 unchanged, 1 failed, 3 not started; 1.2 s"
    )


def test_one_is_not_a_plural():
    assert [counted(number, "entry") for number in (0, 1, 2)] == [
        "0 entries",
        "1 entry",
        "2 entries",
    ]


# ---------------------------------------------------------------- of the deployed functions


@pytest.mark.row("O3")
def test_events_of_an_invocation_carry_its_id_and_those_after_it_do_not(capsys):
    with telemetry.invocation("request-7"):
        log_run(json_log(), Tally(feeds=1), duration_ms=5)
    log_run(json_log(), Tally(feeds=1), duration_ms=5)
    inside, outside = map(json.loads, capsys.readouterr().err.splitlines())
    assert inside["function_request_id"] == "request-7"
    assert inside["cold_start"] in {True, False}
    assert {"function_request_id", "cold_start"}.isdisjoint(outside)


def test_only_the_first_invocation_of_a_process_is_a_cold_start(capsys, monkeypatch):
    monkeypatch.setattr(telemetry, "_invocations", count())
    for _ in range(2):
        with telemetry.invocation("r"):
            log_run(json_log(), Tally(), duration_ms=5)
    lines = map(json.loads, capsys.readouterr().err.splitlines())
    assert [line["cold_start"] for line in lines] == [True, False]


def test_metrics_are_one_line_that_cloudwatch_understands(capsys, monkeypatch):
    monkeypatch.delenv("POWERTOOLS_METRICS_NAMESPACE", raising=False)
    telemetry._metrics.cache_clear()
    telemetry.put_metrics({"FeedsRefreshed": 9, "FeedsFailed": 2})
    [line] = capsys.readouterr().out.splitlines()
    said = json.loads(line)
    [directive] = said["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "feedmirror"
    assert directive["Dimensions"] == [["service"]]
    assert said["service"] == "feedmirror"
    values = {metric["Name"]: said[metric["Name"]] for metric in directive["Metrics"]}
    assert values == {"FeedsRefreshed": [9.0], "FeedsFailed": [2.0]}
    assert {metric["Unit"] for metric in directive["Metrics"]} == {"Count"}


@pytest.mark.row("O3")
def test_metrics_of_one_invocation_are_not_repeated_by_the_next(capsys):
    for feeds in (9, 1):
        telemetry.put_metrics({"FeedsRefreshed": feeds})
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["FeedsRefreshed"] for line in lines] == [[9.0], [1.0]]


def test_metrics_of_two_stacks_can_be_told_apart(capsys, monkeypatch):
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "Mirrors")
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "second-stack")
    telemetry._metrics.cache_clear()
    telemetry.put_metrics({"FeedsDue": 0})
    telemetry._metrics.cache_clear()
    said = json.loads(capsys.readouterr().out)
    assert said["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "Mirrors"
    assert said["service"] == "second-stack"


@pytest.mark.row("O4")
def test_text_of_an_event_stays_on_one_line_of_the_log(capsys):
    telemetry.log_message(json_log(), "id-1", "its body is 'a\nb'\x1b[31m", dropped=False)
    line = json.loads(capsys.readouterr().err)
    assert line["level"] == "ERROR"
    assert line["error"] == "its body is 'a b'\ufffd[31m"


def test_long_text_is_cut_in_the_log(capsys):
    huge = Outcome("news", "changed", quarantined=("x" * 5_000_000,), note="y" * 5_000_000)
    log_outcome(json_log(), huge, NEWS)
    telemetry.log_message(json_log(), "id-1", "z" * 5_000_000, dropped=True)
    lines = capsys.readouterr().err.splitlines()
    assert max(map(len, lines)) < 10_000
    assert json.loads(lines[0])["quarantined"][0].endswith("xxx...")
