"""What a refresh comes to, told by what the origin said."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from msgspec.structs import replace

from builders import atom_document, entry, json_feed, rss_document
from feedmirror.errors import FetchError, Kind, ParseError, RenderError, StateError
from feedmirror.mirror import decide as deciding
from feedmirror.mirror import state_codec
from feedmirror.mirror.state import State
from feedmirror.model import Fetched, Identity, NotModified, Outcome, Validators
from feedmirror.publishing import render
from feedmirror.publishing.formats import formats
from feedmirror.rebuild import rebuild
from feedmirror.refresh import attempt
from feedmirror.text.namespaces import ITUNES
from scene import DOCUMENTS, NOON, PUBLIC_URL, SUBSCRIPTION, URL, Scene, document, records_in
from stores import CountingStore, FailingStore, MemoryStore

ALTERNATE = "https://copy.example.org/rss"
TIMEOUT = FetchError(Kind.TIMEOUT, "no answer from news.example.org within 30 s")


def _state(scene: Scene) -> State:
    stored = scene.store.load("state/news.json")
    assert stored is not None
    return state_codec.load(stored.body, "state")


def _titles(scene: Scene) -> list[str]:
    return [part.split("</title>")[0] for part in scene.public().split("<item>\n<title>")[1:]]


def _moving(address: str) -> bytes:
    element = f"<i:new-feed-url xmlns:i='{ITUNES}'>{address}</i:new-feed-url>"
    return document(1).replace(b"<item>", element.encode() + b"<item>", 1)


def test_a_feed_that_says_where_it_moves_is_mirrored_and_the_operator_is_told() -> None:
    outcome = Scene(_moving("https://new.example.org/feed")).refresh()
    assert outcome.new == 1
    assert "moves to https://new.example.org/feed" in (outcome.note or "")


def test_a_feed_that_names_its_own_address_moves_nowhere() -> None:
    assert Scene(_moving(URL)).refresh().note is None


# ---------------------------------------------------------------- what is new


def test_a_first_mirror_publishes_the_newest_and_archives_the_others(small_pages: None) -> None:
    scene = Scene(document(*range(9, 0, -1)))
    outcome = scene.refresh()
    assert (outcome.outcome, outcome.new, outcome.published) == ("changed", 9, DOCUMENTS)
    assert _titles(scene) == [f"Entry {n}" for n in (9, 8, 7, 6, 5)]
    assert scene.archived() == [f"Entry {n}" for n in (4, 3, 2, 1)]
    assert isinstance(scene.store, MemoryStore)
    assert len(records_in(scene.store)) == 9


def test_a_feed_that_lists_its_oldest_first_is_mirrored_newest_first() -> None:
    scene = Scene(document(1, 2, 3))
    scene.refresh()
    assert _titles(scene) == ["Entry 3", "Entry 2", "Entry 1"]


@pytest.mark.parametrize(
    ("empty", "first"),
    [
        (rss_document([]), rss_document([entry(1)])),
        (atom_document([]), atom_document([entry(1)])),
        (json_feed([]), json_feed([entry(1)])),
    ],
    ids=["rss", "atom", "json"],
)
def test_an_empty_feed_is_published_and_its_first_entry_is_new(empty: bytes, first: bytes) -> None:
    scene = Scene(empty)
    outcome = scene.refresh()
    assert (outcome.outcome, outcome.new, outcome.published) == ("changed", 0, DOCUMENTS)
    assert _titles(scene) == []
    scene.later(hours=1)
    assert scene.refresh().outcome == "unchanged"
    assert not _state(scene).tasks
    scene.later(hours=1)
    scene.says(first)
    assert scene.refresh().new == 1
    assert _titles(scene) == ["Entry 1"]


def test_a_feed_that_is_empty_for_a_while_loses_nothing() -> None:
    scene = Scene(document(1))
    scene.refresh()
    for says, titles in ((rss_document([]), ["Entry 1"]), (document(2), ["Entry 2", "Entry 1"])):
        scene.later(hours=1)
        scene.says(says)
        scene.refresh()
        assert _titles(scene) == titles


@pytest.mark.row("P11")
def test_without_dates_the_order_of_the_document_holds() -> None:
    scene = Scene(rss_document([entry(n, published=None) for n in (2, 3, 1)]))
    scene.refresh()
    assert _titles(scene) == ["Entry 2", "Entry 3", "Entry 1"]


def test_what_came_later_stands_above_whatever_its_date_is() -> None:
    scene = Scene(document(5, 4))
    scene.refresh()
    scene.later(hours=1)
    scene.says(document(5, 4, 1))
    scene.refresh()
    assert _titles(scene) == ["Entry 1", "Entry 5", "Entry 4"]


@pytest.mark.row("C3")
def test_an_edit_stays_in_its_place_and_is_stored_as_a_revision() -> None:
    scene = Scene(document(3, 2, 1))
    scene.refresh()
    scene.later(hours=1)
    scene.says(document(3, 2, 1, e2="<p>Edited without a word.</p>"))
    outcome = scene.refresh()
    assert (outcome.new, outcome.revised, outcome.unchanged) == (0, 1, 2)
    assert _titles(scene) == ["Entry 3", "Entry 2", "Entry 1"]
    assert "Edited without a word." in scene.public()
    assert isinstance(scene.store, MemoryStore)
    key = next(r.key for r in _state(scene).window if r.title == "Entry 2")
    assert sum(f"/entries/{key}/" in name for name in scene.store.objects) == 2


@pytest.mark.row("C3")
def test_an_edit_that_is_taken_back_is_public_again_as_it_was() -> None:
    scene = Scene(document(1))
    scene.refresh()
    for body in ("<p>Edited.</p>", None):
        scene.later(hours=1)
        scene.says(document(1, **({"e1": body} if body else {})))
        assert scene.refresh().revised == 1
    assert "What entry 1 says." in scene.public()
    assert "Edited." not in scene.public()


@pytest.mark.row("C1", "C3")
def test_items_that_differ_under_one_guid_are_two_entries_whatever_their_order() -> None:
    one, other = (entry(1, summary=f"<p>{said}</p>") for said in ("said", "said otherwise"))
    scene = Scene(rss_document([one, other]))
    assert scene.refresh().new == 2
    for items in ([other, one], [one, other], [other], [one, other, entry(2)]):
        scene.later(hours=1)
        scene.says(rss_document(items))
        outcome = scene.refresh()
        assert (outcome.new, outcome.revised) == (len(items) // 3, 0)
    assert "said otherwise" in scene.public()


@pytest.mark.row("C3")
def test_an_edit_of_an_entry_that_had_left_the_public_feed_brings_it_back(
    small_pages: None,
) -> None:
    scene = Scene(document(*range(8, 0, -1)))
    scene.refresh()
    assert "Entry 1" not in _titles(scene)
    scene.later(hours=1)
    scene.says(document(*range(8, 0, -1), e1="<p>Edited late.</p>"))
    assert scene.refresh().revised == 1
    assert _titles(scene)[0] == "Entry 1"
    (revived,) = [r for r in _state(scene).window if r.title == "Entry 1"]
    assert revived.first_seen == NOON


@pytest.mark.row("C4")
def test_absence_deletes_nothing() -> None:
    scene = Scene(document(3, 2, 1))
    scene.refresh()
    scene.says(document(3))
    assert scene.refresh().outcome == "unchanged"
    assert _titles(scene) == ["Entry 3", "Entry 2", "Entry 1"]


@pytest.mark.row("C4")
def test_an_empty_feed_empties_nothing() -> None:
    scene = Scene(document(2, 1))
    scene.refresh()
    scene.says(document())
    scene.refresh()
    assert len(_titles(scene)) == 2


def test_nothing_leaves_the_public_feed_within_48_hours(small_pages: None) -> None:
    scene = Scene(document(*range(5, 0, -1)))
    scene.refresh()
    scene.later(hours=1)
    scene.says(document(*range(30, 5, -1)))
    scene.refresh()
    assert len(_titles(scene)) == 30, "the first five came an hour ago, the others just now"
    scene.later(hours=47, minutes=30)
    scene.says(document(*range(31, 5, -1)))
    scene.refresh()
    assert len(_titles(scene)) == 27, "four of the first five are archived, one awaits another"
    scene.later(days=3)
    scene.says(document(*range(32, 5, -1)))
    scene.refresh()
    assert _titles(scene) == [f"Entry {n}" for n in (32, 31, 30, 29, 28, 27)]
    assert scene.archived() == [f"Entry {n}" for n in range(26, 0, -1)]


@pytest.mark.row("C5")
def test_a_flood_is_committed_in_chunks_and_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deciding, "CHUNK", 10)
    scene = Scene(document(1))
    scene.refresh()
    scene.later(hours=1)
    scene.says(document(*range(95, 0, -1)))
    assert scene.refresh().new == 94
    assert _titles(scene) == [f"Entry {n}" for n in range(95, 0, -1)]
    assert isinstance(scene.store, MemoryStore)
    assert len(records_in(scene.store)) == 95


@pytest.mark.row("F14", "C2")
def test_a_feed_that_moves_keeps_its_entries_though_their_guids_are_relative() -> None:
    relative = [entry(n, guid=f"posts/{n}", permalink=False) for n in (2, 1)]
    scene = Scene(Fetched("https://old.example.org/rss", rss_document(relative)))
    scene.refresh()
    scene.says(Fetched("https://new.example.org/rss", rss_document(relative)))
    assert scene.refresh().new == 0


@pytest.mark.row("C1")
def test_entries_that_share_a_guid_but_not_a_link_are_both_mirrored() -> None:
    twins = [entry(1, guid="same", permalink=False), entry(2, guid="same", permalink=False)]
    scene = Scene(rss_document(twins))
    assert scene.refresh().new == 2
    assert scene.refresh().outcome == "unchanged"
    scene.says(rss_document([entry(3, guid="same", permalink=False), *reversed(twins)]))
    assert scene.refresh().new == 1
    assert scene.public().count("<guid") == 3


def test_a_subscription_may_go_by_links_where_guids_change_at_every_fetch() -> None:
    subscription = replace(SUBSCRIPTION, identity=Identity.LINK)
    scene = Scene(rss_document([entry(1, guid="visit-1")]), subscription=subscription)
    scene.refresh()
    scene.says(rss_document([entry(1, guid="visit-2")]))
    assert scene.refresh().new == 0


def test_an_edit_is_followed_though_the_clock_was_ahead_before() -> None:
    scene = Scene(document(1, e1="<p>a slip</p>"))
    scene.later(days=30)
    scene.refresh()
    scene.later(days=-29)
    scene.says(document(1, e1="<p>as it is</p>"))
    assert scene.refresh().revised == 1
    assert "as it is" in scene.public()


@pytest.mark.row("P11")
def test_a_date_of_the_far_future_is_no_date() -> None:
    scene = Scene(rss_document([entry(1, published=NOON + timedelta(days=400))]))
    scene.refresh()
    assert "<pubDate>" not in scene.public()


def test_a_new_version_of_the_parser_corrects_what_is_public_without_a_revision(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scene = Scene(document(2, 1))
    scene.refresh()
    monkeypatch.setattr("feedmirror.mirror.decide.PARSER_VERSION", 99)
    monkeypatch.setattr("feedmirror.mirror.classify.PARSER_VERSION", 99)
    monkeypatch.setattr("feedmirror.refresh.PARSER_VERSION", 99)
    scene.says(document(2, 1, e2="<p>as the fixed parser reads it</p>"))
    outcome = scene.refresh()
    assert (outcome.revised, outcome.published) == (0, DOCUMENTS)
    assert "as the fixed parser reads it" in scene.public()
    assert isinstance(scene.store, MemoryStore)
    assert len(records_in(scene.store)) == 3
    assert scene.refresh().outcome == "unchanged"


# ---------------------------------------------------------------- never worse than yesterday


@pytest.mark.row("P10")
@pytest.mark.parametrize(
    "answer",
    [
        TIMEOUT,
        FetchError(Kind.LEGAL, "blocked", status=451),
        ParseError(Kind.NOT_A_FEED, "a login page"),
        b"<!DOCTYPE html><html><body>Please log in</body></html>",
        b"",
        b"   ",
        b'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a "b">]><rss><channel/></rss>',
    ],
    ids=["timeout", "451", "not a feed", "HTML", "nothing", "blank", "a bomb"],
)
def test_whatever_the_origin_does_the_last_good_mirror_stays(answer: bytes | FetchError) -> None:
    scene = Scene(document(2, 1))
    scene.refresh()
    before = scene.public()
    scene.says(answer)
    scene.later(minutes=15)
    outcome = scene.refresh()
    assert outcome.outcome == "failed"
    assert outcome.failure is not None
    assert outcome.failure.message
    assert scene.public() == before
    failing = _state(scene).failing
    assert failing is not None
    assert failing.since == scene.now
    scene.says(document(3, 2, 1))
    assert scene.refresh().new == 1
    assert _state(scene).failing is None


@pytest.mark.row("P7")
def test_a_document_that_was_cut_off_adds_its_whole_entries_and_revises_nothing() -> None:
    scene = Scene(document(2, 1))
    scene.refresh()
    whole = document(4, 3, 2, 1, e2="<p>edited</p>")
    cut = whole[: whole.index(b"Entry 1")]
    scene.later(hours=1)
    scene.says(Fetched(URL, cut, validators=Validators('"cut"')))
    outcome = scene.refresh()
    assert (outcome.new, outcome.revised) == (2, 0)
    assert outcome.note is not None
    assert "cut off" in outcome.note
    assert _state(scene).addresses[URL].etag != '"cut"', "the rest must be asked for again"
    scene.says(whole)
    assert scene.refresh().revised == 1


def test_since_when_it_fails_is_kept_while_the_reason_changes() -> None:
    scene = Scene(TIMEOUT)
    scene.refresh()
    scene.later(hours=1)
    scene.says(FetchError(Kind.DNS, "no such host"))
    scene.refresh()
    failing = _state(scene).failing
    assert failing is not None
    assert (failing.kind, failing.group, failing.since) == ("dns", "blocked", NOON)


def test_a_feed_that_was_never_there_publishes_nothing() -> None:
    scene = Scene(TIMEOUT)
    assert scene.refresh().outcome == "failed"
    assert scene.store.load("public/news/rss.xml") is None


# ---------------------------------------------------------------- addresses


def test_the_first_alternate_that_answers_is_read_when_the_feed_fails() -> None:
    scene = Scene(TIMEOUT, subscription=replace(SUBSCRIPTION, alternates=(ALTERNATE,)))
    scene.origin.answers[ALTERNATE] = document(2, 1)
    outcome = scene.refresh()
    assert (outcome.outcome, outcome.new) == ("changed", 2)
    assert outcome.note is not None
    assert "within 30 s" in outcome.note
    assert scene.origin.asked == [URL, ALTERNATE]
    scene.refresh()
    assert scene.refresh().http_status == 304


def test_where_all_addresses_fail_the_first_ones_reason_is_told() -> None:
    scene = Scene(TIMEOUT, subscription=replace(SUBSCRIPTION, alternates=(ALTERNATE,)))
    scene.origin.answers[ALTERNATE] = FetchError(Kind.MISSING, "not there", status=404)
    outcome = scene.refresh()
    assert outcome.failure is not None
    assert outcome.failure.kind == "timeout"


@pytest.mark.row("F14")
def test_a_permanent_redirect_is_remembered_after_its_target_was_a_feed_three_times() -> None:
    target = "https://elsewhere.example.org/rss"
    scene = Scene(b"")
    for number in (1, 2, 3):
        assert _state_or_empty(scene).moved_to is None
        scene.says(Fetched(target, document(*range(number, 0, -1)), moved_to=target))
        outcome = scene.refresh()
        assert outcome.note is not None
        assert target in outcome.note
    assert _state(scene).moved_to == target
    scene.origin.answers[target] = document(4, 3, 2, 1)
    assert scene.refresh().new == 1
    assert scene.origin.asked[-1] == target


def _state_or_empty(scene: Scene) -> State:
    return _state(scene) if scene.store.load("state/news.json") else State()


@pytest.mark.row("F14")
def test_a_hotels_login_page_that_answers_301_is_never_remembered() -> None:
    scene = Scene(document(1))
    scene.refresh()
    login = "https://hotel.example.com/login"
    for _ in range(5):
        scene.says(Fetched(login, b"<html><body>Welcome</body></html>", moved_to=login))
        assert scene.refresh().outcome == "failed"
    assert _state(scene).moved_to is None
    assert _state(scene).moving is None


def test_when_the_remembered_address_fails_the_configured_one_is_asked() -> None:
    target = "https://elsewhere.example.org/rss"
    scene = Scene(b"")
    for number in (1, 2, 3):
        scene.says(Fetched(target, document(*range(number, 0, -1)), moved_to=target))
        scene.refresh()
    scene.origin.answers[target] = TIMEOUT
    scene.says(document(4, 3, 2, 1))
    assert scene.refresh().new == 1


# ---------------------------------------------------------------- politeness


@pytest.mark.row("F13")
def test_retry_after_is_obeyed() -> None:
    scene = Scene(FetchError(Kind.THROTTLED, "429", status=429, retry_after_s=3600))
    scene.refresh()
    scene.says(document(1))
    scene.later(minutes=59)
    assert scene.refresh().outcome == "waiting"
    assert scene.origin.asked == [URL]
    scene.later(minutes=2)
    assert scene.refresh().outcome == "changed"


def test_a_ttl_slows_scheduled_polls_but_not_one_by_hand() -> None:
    slow = document(1).replace(b"<item>", b"<ttl>240</ttl><item>", 1)
    scene = Scene(slow)
    scene.refresh()
    scene.later(minutes=15)
    assert scene.refresh(scheduled=True).outcome == "waiting"
    assert scene.refresh().outcome == "unchanged"
    polled = 0
    for _ in range(96):
        scene.later(minutes=15)
        polled += scene.refresh(scheduled=True).outcome != "waiting"
    assert polled in {5, 6}


def test_validators_go_back_to_the_address_they_came_from() -> None:
    scene = Scene(document(1))
    scene.refresh()
    assert scene.refresh().http_status == 304


def test_a_304_for_a_feed_never_seen_is_told_as_unchanged_and_harms_nothing() -> None:
    scene = Scene(NotModified(URL))
    assert scene.refresh().outcome == "unchanged"


# ---------------------------------------------------------------- the store's faults


@pytest.mark.row("S7")
def test_a_damaged_state_stops_its_feed_and_is_left_as_it_is() -> None:
    scene = Scene(document(1))
    scene.refresh()
    assert isinstance(scene.store, MemoryStore)
    scene.store.objects["state/news.json"] = b"{damaged"
    with pytest.raises(StateError, match="damaged"):
        scene.refresh()
    assert scene.store.objects["state/news.json"] == b"{damaged"
    assert _titles(scene) == ["Entry 1"]


@pytest.mark.row("S7")
def test_a_feed_whose_state_is_missing_though_entries_are_stored_is_refused() -> None:
    scene = Scene(document(2, 1))
    scene.refresh()
    assert isinstance(scene.store, MemoryStore)
    del scene.store.objects["state/news.json"]
    before = dict(scene.store.objects)
    scene.says(document(3))
    outcome = attempt(scene.subscription, scene.world())
    assert outcome.failure is not None
    assert outcome.failure.kind == "store"
    assert "state/news.json is missing" in outcome.failure.message
    assert "run `feedmirror rebuild news`" in outcome.failure.message
    assert scene.store.objects == before
    rebuild(scene.subscription, scene.store, PUBLIC_URL, scene.now)
    scene.refresh()
    assert _titles(scene) == ["Entry 3", "Entry 2", "Entry 1"]


@pytest.mark.row("S7")
@pytest.mark.parametrize("answer", [document(3), TIMEOUT], ids=["document", "failure"])
def test_a_feed_of_which_only_documents_are_left_begins_anew_and_says_so(
    answer: bytes | FetchError,
) -> None:
    scene = Scene(document(2, 1))
    assert scene.refresh().note is None
    scene.says(answer)
    outcome = scene.begin_anew()
    assert outcome.note is not None
    assert outcome.note.startswith("the state is missing though documents are public")
    assert scene.refresh().note is None


def test_a_feed_that_another_run_mirrors_for_the_first_time_is_not_taken_for_lost() -> None:
    scene = Scene(document(2, 1))

    class Overtaken(CountingStore):
        """The other run comes to its end between a look at the state and at the entries."""

        def keys(self, prefix: str = "") -> Iterator[str]:
            scene.refresh()
            return super().keys(prefix)

    assert scene.refresh(store=Overtaken(scene.store)).outcome == "unchanged"


@pytest.mark.row("P8", "U4")
def test_an_entry_that_cannot_be_rendered_is_quarantined_and_the_others_are_public(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sound = next(made for made in formats() if made.name == "rss.xml")

    def verify(body: bytes, publication: object) -> None:
        if b"Entry 2" in body:
            raise RenderError("no good")
        sound.verify(body, publication)  # type: ignore[arg-type]

    scene = Scene(document(3, 2, 1))
    with monkeypatch.context() as patched:
        patched.setattr(render, "formats", lambda: (replace(sound, verify=verify),))
        outcome = scene.refresh()
        assert outcome.quarantined == ("https://gazette.example.org/2",)
        assert _titles(scene) == ["Entry 3", "Entry 1"]
        assert scene.refresh().outcome == "unchanged"
    with monkeypatch.context() as patched:  # the fixed version
        fixed = replace(sound, version=sound.version + 1)
        patched.setattr(render, "formats", lambda: (fixed,))
        scene.refresh()
    assert _titles(scene) == ["Entry 3", "Entry 2", "Entry 1"]


def _outcomes(scene: Scene, *slugs: str) -> dict[str, Outcome]:
    subscriptions = [replace(SUBSCRIPTION, slug=slug, url=f"https://{slug}.org/") for slug in slugs]
    for subscription in subscriptions:
        scene.origin.answers.setdefault(subscription.url, document(1))
    return {one.slug: attempt(one, scene.world()) for one in subscriptions}


def test_a_failing_feed_never_stops_the_others() -> None:
    scene = Scene(b"")

    def explode() -> bytes:
        raise ZeroDivisionError("a mistake of ours")

    scene.origin.answers |= {"https://a.org/": TIMEOUT, "https://b.org/": explode}
    found = _outcomes(scene, "a", "b", "c", "d")
    assert {slug: one.outcome for slug, one in found.items()} == {
        "a": "failed", "b": "failed", "c": "changed", "d": "changed",
    }  # fmt: skip
    assert found["b"].failure is not None
    assert found["b"].failure.kind == "bug"
    assert "ZeroDivisionError: a mistake of ours" in found["b"].failure.message


def test_a_store_that_fails_for_one_feed_fails_that_feed_alone() -> None:
    store = FailingStore(MemoryStore(), lambda operation, key: key.startswith("data/b/entries"))
    found = _outcomes(Scene(b"", store), "a", "b")
    assert found["a"].outcome == "changed"
    assert found["b"].failure is not None
    assert (found["b"].failure.kind, found["b"].failure.group) == ("store", "internal")


@pytest.mark.row("C1")
def test_two_feeds_with_the_same_guids_never_collide() -> None:
    scene = Scene(b"")
    _outcomes(scene, "a", "b")
    assert isinstance(scene.store, MemoryStore)
    assert len(records_in(scene.store)) == 2


def test_what_is_forgotten_first_is_the_oldest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("feedmirror.mirror.retention._REMEMBERED", 20)
    scene = Scene(document(*range(40, 0, -1)))
    scene.refresh()
    for newest in (41, 42):
        scene.later(hours=50)
        scene.says(document(*range(newest, newest - 3, -1)))
        assert scene.refresh().new == 1
    scene.later(hours=50)
    scene.says(document(*range(43, 43 - 15, -1)))  # the origin lists more of the older ones again
    assert scene.refresh().new == 1
