"""The whole stack, deployed by the SAM CLI to an emulated AWS that enforces IAM, and at work there.

The tests follow one deployment through its day, and go in this order: what the schedule does by
itself takes a minute, so it is looked at last.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator

import pytest
from botocore.exceptions import ClientError

from builders import entry, rss_document
from deployed_stack import Role, Stack, copy_project, until
from emulated_aws import EmulatedAws, Page
from feedmirror.entrypoints.aws.messages import Due, refreshes
from feedmirror.layout import cache_control
from origin_server import OriginServer
from runtime_tools import built_function, require_tool

pytestmark = pytest.mark.slow  # conftest.py gives all of it to one worker

OFTEN = "tides"  # the only one that is due while the tests run; they never ask for it
FEEDS = (OFTEN, "ferries", "gazette", "notices")
LATER = "harbour"
GAZETTE = (*(f"Notice {number}" for number in range(29)), "News of the gazette")  # has an archive
WORDS = "Words of a later deploy."


@pytest.fixture(scope="module")
def origin() -> Iterator[OriginServer]:
    with OriginServer() as server:
        for slug in (*FEEDS, LATER):
            serve(server, slug, f"News of the {slug}")
        serve(server, "gazette", *GAZETTE)
        yield server


@pytest.fixture(scope="module")
def stack(origin: OriginServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The stack, deployed to an account that had nothing in it."""
    require_tool("sam")
    project = copy_project(tmp_path_factory.mktemp("project"), built_function(tmp_path_factory))
    with EmulatedAws(tmp_path_factory.mktemp("aws")) as aws:
        deployed = Stack(aws, project)
        subscribe(deployed, origin, *FEEDS)
        deployed.build()
        deployed.deploy(Tick="1 minute")
        for name in ("DispatchFunctionRole", "MirrorFunctionRole"):
            Role(deployed, name).may_send_batches()
        yield deployed


def serve(origin: OriginServer, slug: str, *titles: str) -> None:
    """A feed at the path of its slug, with an entry for each title."""
    entries = [entry(number, title=title) for number, title in enumerate(titles)]
    origin.serve(f"/{slug}", rss_document(entries), etag=f'"{len(titles)}"')


def subscribe(
    stack: Stack,
    origin: OriginServer,
    *slugs: str,
    retired: Collection[str] = (),
    disclaimer: str = "A copy of {source_title}.",
) -> None:
    """Mirror these feeds of the origin's, and retire others, once they are deployed."""
    urls = {slug: origin.url(f"/{slug}") for slug in slugs}
    stack.subscribe(urls, every={OFTEN: "1m"}, retired=retired, disclaimer=disclaimer)


def mirrored(stack: Stack, slug: str, title: str, within_s: float = 30) -> Page:
    """The public feed, as soon as it has an entry of that title."""

    def has_entry() -> bool:
        page = stack.view(f"/{slug}/rss.xml")
        return page.status == 200 and title.encode() in page.body

    until(has_entry, lambda: stack.aws.log()[-5000:], within_s)
    return stack.view(f"/{slug}/rss.xml")


# ---------------------------------------------------------------- what readers get


def test_feed_goes_by_way_of_the_queue_and_the_bucket_to_the_cdn(
    stack: Stack, origin: OriginServer
) -> None:
    answer = stack.invoke("DispatchFunction", {"feeds": ["ferries"]})

    page = mirrored(stack, "ferries", "News of the ferries")
    assert answer["due"] == 1
    assert b"A copy of " in page.body
    assert f"{stack.outputs()['PublicUrl']}/ferries/rss.xml".encode() in page.body
    assert page.headers["Content-Type"] == "application/rss+xml; charset=utf-8"
    assert page.headers["Cache-Control"] == cache_control("public/ferries/rss.xml")
    assert [r.path for r in origin.requests if r.path != f"/{OFTEN}"] == ["/ferries"]


def test_headers_make_harmless_what_others_wrote_and_let_web_readers_fetch_it(stack: Stack) -> None:
    headers = stack.view("/ferries/rss.xml", Origin="https://reader.example.org").headers

    assert headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Strict-Transport-Security"].startswith("max-age=")
    assert headers["X-Robots-Tag"] == "noindex"
    assert headers["Access-Control-Allow-Origin"] == "*"


def test_reader_that_has_the_feed_gets_a_304(stack: Stack) -> None:
    page = stack.view("/ferries/rss.xml")

    again = stack.view("/ferries/rss.xml", If_None_Match=page.headers["ETag"])

    assert (again.status, again.body) == (304, b"")


def test_web_reader_may_ask_first_and_a_folder_leads_to_its_index(stack: Stack) -> None:
    preflight = stack.view("/ferries/rss.xml", "OPTIONS", Origin="https://reader.example.org")
    folder = stack.view("/ferries")

    assert preflight.status == 204
    assert preflight.headers["Access-Control-Allow-Headers"] == "*"
    assert (folder.status, folder.headers["Location"]) == (302, "/ferries/")


def test_browser_that_opens_a_feed_is_sent_to_its_page(stack: Stack) -> None:
    sent = stack.view("/ferries/rss.xml", Sec_Fetch_Dest="document")
    page = stack.view("/ferries/")
    style = re.search(rb'rel="stylesheet" href="\.\./(style-[0-9a-f]+\.css)"', page.body)

    assert (sent.status, sent.headers["Location"]) == (302, "/ferries/#subscribe")
    assert (page.status, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert style is not None
    assert stack.view(f"/{style[1].decode()}").headers["Content-Type"].startswith("text/css")


def test_index_leads_to_every_feed_and_every_feed_to_its_entries(stack: Stack) -> None:
    # A tick brings the index up to date, and none has come since the feed was first mirrored.
    stack.invoke("DispatchFunction", {"feeds": ["ferries"]})
    index = stack.view("/").body.decode()
    page = stack.view("/ferries/").body.decode()
    entry = re.search(r'href="(entries/[0-9a-f]+\.html)"', page)

    assert 'href="ferries/"' in index
    assert entry is not None
    assert stack.view(f"/ferries/{entry[1]}").status == 200
    assert stack.view("/feeds.opml").headers["Content-Type"] == "text/x-opml; charset=utf-8"


def test_cdn_speaks_tls_and_changes_nothing(stack: Stack) -> None:
    address = stack.outputs()["PublicUrl"] + "/ferries/rss.xml"

    plain = stack.aws.view(address.replace("https:", "http:"))

    assert (plain.status, plain.headers["Location"]) == (301, address)
    assert stack.view("/ferries/rss.xml", "DELETE").status == 403
    assert stack.view("/ferries/rss.xml", "PUT").status == 403


def test_missing_page_is_a_404_that_helps_on(stack: Stack) -> None:
    page = stack.view("/fairies/rss.xml")

    assert page.status == 404
    assert b"There is nothing at this address" in page.body


# ---------------------------------------------------------------- what they do not get


def test_what_is_remembered_of_a_feed_is_reached_by_nobody(stack: Stack) -> None:
    bucket = stack.outputs()["BucketName"]
    key = "state/ferries.json"
    assert stack.aws.client("s3").get_object(Bucket=bucket, Key=key)["ContentLength"] > 0

    for path in (f"/{key}", f"/../{key}", f"/%2e%2e/{key}", f"/ferries/../../{key}"):
        page = stack.view(path)
        assert page.status in (400, 403, 404), path
        assert b"generation" not in page.body, path
    for path in (f"/{bucket}/{key}", f"/{bucket}/public/ferries/rss.xml", f"/{bucket}?list-type=2"):
        assert stack.aws.request("GET", path, {}).status == 403, path


def test_bucket_and_queues_refuse_whom_everything_is_allowed_over_plain_http(stack: Stack) -> None:
    outputs = stack.outputs()
    s3, sqs = (stack.aws.plain_client(service, f"admin-{service}") for service in ("s3", "sqs"))

    assert s3.list_buckets()["Buckets"]
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.get_object(Bucket=outputs["BucketName"], Key="public/ferries/rss.xml")
    assert sqs.list_queues()["QueueUrls"]
    for queue in ("QueueUrl", "FailedRefreshesUrl", "FailedTicksUrl"):
        with pytest.raises(ClientError, match="AccessDenied"):
            sqs.receive_message(QueueUrl=outputs[queue])


def test_role_that_may_not_read_the_state_is_refused_and_the_log_says_so(stack: Stack) -> None:
    with Role(stack, "MirrorFunctionRole").without("/state/*"):
        answer = stack.invoke("MirrorFunction", {"feeds": ["ferries"]})

    (outcome,) = answer["outcomes"]
    assert (outcome["outcome"], outcome["error_group"]) == ("failed", "internal")
    assert "AccessDenied" in outcome["error"]
    line = stack.lines("feed refreshed", feed="ferries", outcome="failed")[-1]
    assert (line["level"], line["error"]) == ("ERROR", outcome["error"])
    assert stack.view("/ferries/rss.xml").status == 200


# ---------------------------------------------------------------- what fails


def test_message_that_always_fails_becomes_a_dead_letter_while_the_others_succeed(
    stack: Stack,
) -> None:
    sqs, queue = stack.aws.client("sqs"), stack.outputs()["QueueUrl"]
    # A run may take minutes, and as long the queue waits for it: not so here.
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": "2"})
    gazette, notices = refreshes([Due("gazette")], "1"), refreshes([Due("notices")], "1")
    bodies = {"gazette": next(gazette).body, "poison": "?", "notices": next(notices).body}
    sqs.send_message_batch(
        QueueUrl=queue,
        Entries=[
            {"Id": slug, "MessageBody": body, "MessageGroupId": slug, "MessageDeduplicationId": "1"}
            for slug, body in bodies.items()
        ],
    )

    mirrored(stack, "gazette", "News of the gazette")
    mirrored(stack, "notices", "News of the notices")
    assert stack.messages("FailedRefreshes") == ["?"]
    assert len(stack.lines("message refused", at_least=3)) == 3


def test_feeds_that_our_own_fault_stops_are_sent_again_alone_and_given_up_by_name(
    stack: Stack,
) -> None:
    with Role(stack, "MirrorFunctionRole").without("/state/*"):
        stack.aws.client("sqs").send_message(
            QueueUrl=stack.outputs()["QueueUrl"],
            MessageBody=json.dumps({"tick": "2", "feeds": dict.fromkeys(("gazette", "notices"))}),
            MessageGroupId="refreshes-0",
            MessageDeduplicationId="2",
        )
        given_up = stack.lines("feed given up", at_least=2)

    assert {(line["feed"], line["attempts"]) for line in given_up} == {
        ("gazette", 4),
        ("notices", 4),
    }
    letters = [json.loads(body) for body in stack.messages("FailedRefreshes") if body != "?"]
    assert sorted(list(letter["feeds"]) for letter in letters) == [["gazette"], ["notices"]]
    assert stack.lines("message not held", at_least=0) == []


def test_tick_that_always_fails_becomes_a_dead_letter(stack: Stack) -> None:
    asked = {"feeds": ["gazette"]}
    refreshes = stack.outputs()["QueueUrl"].rpartition("/")[2]

    with Role(stack, "DispatchFunctionRole").without(f":{refreshes}"):
        # As the scheduler does: it does not wait for an answer.
        stack.aws.client("lambda").invoke(
            FunctionName=stack.outputs()["DispatchFunctionName"],
            InvocationType="Event",
            Payload=json.dumps(asked),
        )
        failed = [json.loads(body) for body in stack.messages("FailedTicks")]

    assert asked in [each["requestPayload"] for each in failed]
    line = stack.lines("message not sent")[-1]
    assert (line["level"], line["feed"]) == ("ERROR", "gazette")
    assert "AccessDenied" in line["error"]


# ---------------------------------------------------------------- what its operator gets


def test_every_alarm_tells_the_topic_that_the_stack_names(stack: Stack) -> None:
    found = stack.aws.client("cloudwatch").describe_alarms()["MetricAlarms"]

    assert len(found) >= 10
    assert {tuple(each["AlarmActions"]) for each in found} == {(stack.outputs()["TopicArn"],)}


def test_dashboard_that_the_stack_names_is_there(stack: Stack) -> None:
    name = stack.outputs()["DashboardUrl"].rpartition("/")[2]

    dashboard = stack.aws.client("cloudwatch").get_dashboard(DashboardName=name)

    assert len(json.loads(dashboard["DashboardBody"])["widgets"]) > 5


# ---------------------------------------------------------------- as time goes by


@pytest.fixture(scope="module")
def changed(stack: Stack, origin: OriginServer) -> dict[str, str]:
    """The stack after another deploy: a feed is added, one is retired, all have other words.

    What the stack's outputs were before it.
    """
    before = stack.outputs()
    others = (slug for slug in FEEDS if slug != "ferries")
    subscribe(stack, origin, *others, LATER, retired=["ferries"], disclaimer=WORDS)
    stack.build()
    stack.deploy(Tick="1 minute")
    return before


def test_feed_that_is_added_is_mirrored_after_the_next_deploy_and_one_that_is_retired_stays(
    stack: Stack, changed: dict[str, str]
) -> None:
    stack.invoke("DispatchFunction", {"feeds": [LATER]})

    mirrored(stack, LATER, f"News of the {LATER}")
    stack.invoke("DispatchFunction", {"feeds": [LATER]})  # which tells of it
    assert stack.outputs() == changed
    assert stack.view("/ferries/rss.xml").status == 200
    assert b"This feed is retired" in stack.view("/ferries/index.html").body
    status = json.loads(stack.aws.view(changed["StatusUrl"]).body)
    retired = {feed["feed"]: feed["retired"] for feed in status["feeds"]}
    assert (retired["ferries"], retired[LATER]) == (True, False)


def public_without(stack: Stack, slug: str, words: str) -> list[str]:
    """The public objects of a feed that do not say this."""
    s3, bucket = stack.aws.client("s3"), stack.outputs()["BucketName"]
    listed = s3.list_objects_v2(Bucket=bucket, Prefix=f"public/{slug}/")["Contents"]
    bodies = {
        one["Key"]: s3.get_object(Bucket=bucket, Key=one["Key"])["Body"].read() for one in listed
    }
    return [key for key, body in bodies.items() if words.encode() not in body]


@pytest.mark.row("O11")
@pytest.mark.usefixtures("changed")
def test_new_words_reach_all_pages_by_the_queue_of_renewals_those_of_a_retired_feed_too(
    stack: Stack,
) -> None:
    stack.invoke("DispatchFunction", {"feeds": ["gazette"]})

    for slug in ("gazette", "ferries"):
        until(lambda slug=slug: not public_without(stack, slug, WORDS), stack.aws.log, 120)  # type: ignore[misc]
    archive = re.search(r'archive/[^/"]+/', stack.view("/gazette/").body.decode())
    assert archive is not None
    assert WORDS.encode() in stack.view(f"/gazette/{archive[0]}rss.xml").body


def test_rollback_takes_new_words_back_on_all_pages_and_publishes_new_entries(
    stack: Stack, origin: OriginServer
) -> None:
    others = (slug for slug in FEEDS if slug != "ferries")
    subscribe(stack, origin, *others, LATER, retired=["ferries"])
    serve(origin, "gazette", *GAZETTE, "More of the gazette")
    stack.build()
    stack.deploy(Tick="1 minute")

    stack.invoke("DispatchFunction", {"feeds": ["gazette"]})

    mirrored(stack, "gazette", "More of the gazette")
    until(lambda: not public_without(stack, "gazette", "A copy of "), stack.aws.log, 120)


def test_schedule_has_a_feed_mirrored_that_nobody_asks_for(stack: Stack) -> None:
    mirrored(stack, OFTEN, f"News of the {OFTEN}", within_s=90)

    line = stack.lines("feed refreshed", feed=OFTEN)[0]
    assert (line["outcome"], line["new"]) == ("changed", 1)
