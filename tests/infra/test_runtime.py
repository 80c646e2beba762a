"""The function as it is built, under Lambda's own runtime: what it answers, and what it logs.

Not the source: what is missing in the build, or works only where it was written, is seen here.
"""

from __future__ import annotations

import json
import os
import re
import signal
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from builders import entry, rss_document
from function import summary
from origin_server import Hang, OriginServer
from runtime_emulator import Emulator, children, eventually, json_lines, status
from runtime_tools import built_function, lambda_runtime
from s3_server import Exchange, FaultProxy, moto_server, new_bucket, open_store, pass_on, says

pytestmark = pytest.mark.slow

PUBLIC_URL = "https://feeds.example.org"

Start = Callable[..., Emulator]


@pytest.fixture(scope="module")
def function(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built_function(tmp_path_factory)


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return lambda_runtime(tmp_path_factory.mktemp("runtime"))


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    with moto_server() as url:
        yield url


@pytest.fixture
def origin() -> Iterator[OriginServer]:
    with OriginServer() as server:
        yield server


@pytest.fixture
def bucket(s3: str) -> str:
    return new_bucket()


@pytest.fixture
def start(
    function: Path, runtime: Path, s3: str, bucket: str, origin: OriginServer, tmp_path: Path
) -> Iterator[Start]:
    """Starts the function with some feeds, each at a path of the origin's that is its slug."""
    with ExitStack() as stack:

        def started(*slugs: str, config: str = "", s3: str = s3, **settings) -> Emulator:
            feeds = [
                f'[feeds.{slug}]\nurl = "{origin.url(f"/{slug}")}"\nallow_private_hosts = true\n'
                for slug in slugs
            ]
            (tmp_path / "feeds.toml").write_text(config + "".join(feeds))
            variables = {
                "FEEDMIRROR_STORE": f"s3://{bucket}",
                "FEEDMIRROR_PUBLIC_URL": PUBLIC_URL,
                "FEEDMIRROR_CONFIG": str(tmp_path / "feeds.toml"),
                "AWS_ENDPOINT_URL_S3": s3,
            } | settings.pop("variables", {})
            emulator = Emulator(function, runtime, tmp_path, variables, **settings)
            return stack.enter_context(emulator)

        yield started


def serve(origin: OriginServer, slug: str, *titles: str) -> None:
    """A feed at the path of its slug, with an entry for each title."""
    entries = [entry(number, title=title) for number, title in enumerate(titles)]
    origin.serve(f"/{slug}", rss_document(entries), etag=f'"{len(titles)}"')


def rss(s3: str, bucket: str, slug: str) -> bytes:
    """Return what is published of a feed."""
    document = open_store(s3, bucket).load(f"public/{slug}/rss.xml")
    assert document, slug
    return document.body


def message(*slugs: str, number: int = 1) -> dict[str, str]:
    """A message of a queue that asks for feeds."""
    return {
        "messageId": f"message-{number}",
        "eventSource": "aws:sqs",
        "body": json.dumps({"tick": "t1", "feeds": dict.fromkeys(slugs)}),
    }


# ---------------------------------------------------------------- as it should be


def test_feed_is_mirrored_by_the_built_function_and_answers_304_to_the_next_call(
    start: Start, origin: OriginServer, bucket: str, s3: str
) -> None:
    serve(origin, "tides", "High water", "Low water")
    emulator = start("tides")

    cold, warm = emulator.invoke({"feeds": ["tides"]}), emulator.invoke({})

    document = rss(s3, bucket, "tides")
    assert b"High water" in document
    assert b"Mirrored from" in document
    assert f"{PUBLIC_URL}/tides/rss.xml".encode() in document
    assert (cold.answer["changed"], cold.answer["new"], cold.answer["skipped"]) == (1, 2, [])
    assert (warm.answer["unchanged"], warm.answer["new"]) == (1, 0)
    assert origin.requests[-1].header("If-None-Match") == '"2"'


def test_invocation_says_a_line_a_feed_and_one_a_run_with_what_an_operator_filters_by(
    start: Start, origin: OriginServer
) -> None:
    serve(origin, "tides", "High water")
    origin.answer("/ferries", 503)
    emulator = start("tides", "ferries")

    cold, warm = emulator.invoke({}), emulator.invoke({})

    by_feed = {line["feed"]: line for line in cold.lines if line.get("message") == "feed refreshed"}
    assert by_feed["tides"].items() >= {
        "level": "INFO", "service": "feedmirror", "outcome": "changed", "new": 1, "cold_start": True
    }.items()  # fmt: skip
    assert by_feed["ferries"].items() >= {
        "level": "WARNING", "outcome": "failed", "http_status": 503, "error_group": "unreachable"
    }.items()  # fmt: skip
    finished = cold.line("run finished")
    assert finished.items() >= {"level": "INFO", "feeds": 2, "changed": 1, "failed": 1}.items()
    request_id = re.search(r"START RequestId: (\S+)", cold.log)
    assert request_id
    assert finished["function_request_id"] == request_id[1]
    assert finished["cold_start"] is True
    assert warm.line("run finished")["cold_start"] is False


def test_metrics_of_an_invocation_are_one_line_that_cloudwatch_reads(
    start: Start, origin: OriginServer
) -> None:
    serve(origin, "tides", "High water")

    run = start("tides").invoke({})

    (line,) = (line for line in run.lines if "_aws" in line)
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "feedmirror"
    assert {metric["Name"]: line[metric["Name"]] for metric in directive["Metrics"]}.items() >= {
        "FeedsRefreshed": [1.0], "FeedsFailed": [0.0], "EntriesNew": [1.0]
    }.items()  # fmt: skip
    assert directive["Dimensions"] == [["service"]]


def test_tick_of_the_scheduler_refreshes_what_is_due_in_it(
    start: Start, origin: OriginServer
) -> None:
    serve(origin, "tides", "High water")
    emulator = start("tides")  # every 15 minutes: once in any quarter of an hour

    answers = [
        emulator.invoke({"tick": "5 minutes", "at": f"2026-01-31T12:{minute}:00Z"}).answer
        for minute in ("05", "10", "15")
    ]

    assert sum(answer["feeds"] for answer in answers) == 1
    whole = emulator.invoke({"tick": "15 minutes", "at": "<aws.scheduler.scheduled-time>"})
    assert whole.answer["feeds"] == 1


def test_nothing_new_costs_neither_a_parser_nor_a_thread_that_stays(
    start: Start, origin: OriginServer
) -> None:
    serve(origin, "tides", "High water")
    start_of_it = start("tides")
    start_of_it.invoke({})
    emulator = start("tides", options=("-X", "importtime"))

    run = emulator.invoke({})

    imported = set(re.findall(r"import time: .*\|\s+(\S+)$", run.log, flags=re.MULTILINE))
    assert run.answer["unchanged"] == 1
    assert {"boto3", "urllib3", "feedmirror.refresh"} <= imported
    assert not imported & {"feedparser", "nh3", "rich", "feedmirror.parsing.entries"}
    function, *others = emulator.processes()
    eventually(lambda: status(function)["Threads"] == "1", emulator.log)
    assert all(status(pid)["State"][0] == "S" for pid in others)  # asleep: none is dead and kept


def test_processes_do_not_become_more_from_run_to_run(start: Start, origin: OriginServer) -> None:
    emulator = start("tides")
    for words in (["one"], ["one", "two"], ["one", "two", "three"]):
        serve(origin, "tides", *words)
        assert emulator.invoke({}).answer["new"] == 1
        # The function and its parser. Of a process whose threads come and go the system may list
        # no child for a moment.
        eventually(lambda: len(emulator.processes()) == 2, emulator.log)

    function = emulator.processes()[0]
    eventually(lambda: status(function)["Threads"] == "1", emulator.log)
    assert [pid for pid in children(function) if status(pid)["State"].startswith("Z")] == []
    (worker,) = children(function)
    assert Path(f"/proc/{worker}/environ").read_bytes() == b""


def test_build_is_not_written_to(start: Start, origin: OriginServer, function: Path) -> None:
    before = summary(function)
    serve(origin, "tides", "High water")

    assert start("tides").invoke({}).answer["changed"] == 1

    assert summary(function) == before  # in Lambda it could not be


# ---------------------------------------------------------------- a queue


def test_of_a_batch_only_what_is_our_own_fault_is_sent_again(
    start: Start, origin: OriginServer, s3: str
) -> None:
    serve(origin, "tides", "High water")
    serve(origin, "ferries", "The night ferry")
    origin.answer("/weather", 500)

    def fault(exchange: Exchange) -> None:
        refuse = says(403, "AccessDenied")
        (refuse if "/ferries/" in exchange.path else pass_on)(exchange)

    with FaultProxy(s3) as proxy:
        proxy.faults = deque([fault] * 1000)
        emulator = start("tides", "ferries", "weather", s3=proxy.url)
        slugs = ("tides", "ferries", "weather", "left-out")
        not_ours = {**message("x", number=2), "body": "not ours"}
        run = emulator.invoke({"Records": [message(*slugs), not_ours]})

    # No queue is configured to send the feed to that failed.
    assert run.answer == {
        "batchItemFailures": [{"itemIdentifier": "message-1"}, {"itemIdentifier": "message-2"}]
    }
    levels = {line.get("feed"): line["level"] for line in run.lines if "feed" in line}
    assert (levels["tides"], levels["ferries"], levels["weather"]) == ("INFO", "ERROR", "WARNING")
    assert run.line("message dropped")["level"] == "WARNING"
    assert "left-out" in run.line("message dropped")["error"]
    assert run.line("message refused")["level"] == "ERROR"
    assert "not ours" in run.line("message refused")["error"]


@pytest.mark.row("F8")
def test_no_feed_reaches_the_runtime_that_hands_out_events(
    start: Start, origin: OriginServer
) -> None:
    emulator = start("tides")
    origin.redirect(
        "/tides", f"http://127.0.0.1:{emulator.runtime_port}/2018-06-01/runtime/invocation/next"
    )
    run = emulator.invoke({"feeds": ["tides"]})
    (outcome,) = run.answer["outcomes"]
    assert outcome["error_kind"] == "address"
    assert "never contacted" in outcome["error"]
    assert emulator.invoke({"feeds": ["tides"]}).answer["failed"] == 1


# ---------------------------------------------------------------- time


def test_answer_comes_before_the_time_is_over_and_names_what_was_not_done(
    start: Start, origin: OriginServer
) -> None:
    serve(origin, "tides", "High water")
    origin.script("/ferries", Hang())
    emulator = start("tides", "ferries", timeout_s=10)
    emulator.invoke({"feeds": ["tides"]})
    serve(origin, "tides", "High water", "Low water")

    run = emulator.invoke({"Records": [message("tides", "ferries")]})

    assert run.answer == {"batchItemFailures": [{"itemIdentifier": "message-1"}]}
    assert run.line("run timed out").items() >= {
        "level": "WARNING", "unfinished": ["ferries"], "not_started": []
    }.items()  # fmt: skip
    assert run.line("run finished").items() >= {"feeds": 1, "changed": 1, "skipped": 1}.items()
    assert "Task timed out" not in run.log


def test_next_invocation_after_one_that_timed_out_is_an_ordinary_one(
    start: Start, origin: OriginServer, bucket: str, s3: str
) -> None:
    origin.script("/ferries", Hang())
    emulator = start("ferries", timeout_s=6)
    assert emulator.invoke({}).answer["skipped"] == ["ferries"]

    serve(origin, "ferries", "The night ferry")
    runs = emulator.invoke_until_done()

    assert b"The night ferry" in rss(s3, bucket, "ferries")
    assert [run.line("run finished")["cold_start"] for run in runs] == [False] * len(runs)


def test_function_that_lambda_had_to_kill_does_its_work_at_the_next_call(
    start: Start, origin: OriginServer, bucket: str, s3: str
) -> None:
    serve(origin, "tides", "High water")
    emulator = start("tides", timeout_s=7)
    emulator.invoke_until_done()
    assert b"High water" in rss(s3, bucket, "tides")
    serve(origin, "tides", "High water", "Low water")
    killed = emulator.processes()
    os.kill(killed[0], signal.SIGSTOP)  # as a processor that is never its turn

    stopped, after = emulator.invoke({}), emulator.invoke_until_done()

    assert "Task timed out after 7.00 seconds" in str(stopped.answer)
    assert b"Low water" in rss(s3, bucket, "tides")
    assert after[0].line("run finished")["cold_start"] is True
    eventually(lambda: not any(map(status, killed)), lambda: f"{killed} should have ended")


# ---------------------------------------------------------------- what is refused


def test_event_that_is_none_of_ours_fails_and_says_what_is_accepted(start: Start) -> None:
    run = start("tides").invoke({"feed": "tides"})

    assert run.answer["errorType"] == "EventError"
    line = run.line("event refused")
    assert line["level"] == "ERROR"
    assert '{"feeds": ["slug", ...]}' in line["error"]
    assert '{"feeds": ["slug", ...]}' in run.answer["errorMessage"]


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"config": "kep = 3\n"}, r"feeds\.toml:1: kep: is unknown"),
        ({"variables": {"FEEDMIRROR_STORE": ""}}, "FEEDMIRROR_STORE: is not set"),
        ({"variables": {"FEEDMIRROR_PUBLIC_URL": ""}}, "FEEDMIRROR_PUBLIC_URL: is not set"),
        ({"variables": {"FEEDMIRROR_STORE": "s3://No_Bucket"}}, "s3://No_Bucket"),
    ],
    ids=["feeds.toml", "no store", "no address", "no bucket's name"],
)
def test_function_that_is_set_up_wrong_fails_at_its_start_and_says_why(
    start: Start, settings: dict, complaint: str
) -> None:
    emulator = start("tides", **settings)

    run = emulator.invoke({})

    refused = [
        each for each in json_lines(run.log) if each.get("message") == "configuration refused"
    ]
    assert refused, run.log
    assert all(each["level"] == "ERROR" for each in refused)
    assert any(re.search(complaint, each["error"]) for each in refused), refused
    assert run.answer["errorType"] == "ConfigError"


def test_all_that_is_set_up_wrong_is_said_at_once(start: Start) -> None:
    wrong = {"FEEDMIRROR_STORE": "", "FEEDMIRROR_THREADS": "many"}

    run = start("tides", config="kep = 3\n", variables=wrong).invoke({})

    problems = {
        line["error"] for line in run.lines if line.get("message") == "configuration refused"
    }
    assert len(problems) == 3, run.log
