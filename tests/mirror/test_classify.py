"""What changes at the origin follows: edits as revisions, particulars quietly."""

from __future__ import annotations

from datetime import timedelta

import pytest

from feedmirror.model import Fetched, Outcome, Subscription
from feedmirror.rebuild import rebuild
from feedmirror.refresh import refresh
from scene import NOON, PUBLIC_URL, SUBSCRIPTION, Scene, records_in
from stores import CountingStore, MemoryStore

SITE = "https://tides.example.org"
NAMESPACES = (
    'xmlns:media="http://search.yahoo.com/mrss/" xmlns:slash="http://purl.org/rss/1.0/modules/slash/"'
    ' xmlns:podcast="https://podcastindex.org/namespace/1.0"'
)


def said(
    number: int = 1,
    *,
    date: str = "Mon, 02 Mar 2026 08:00:00 GMT",
    words: str = "The ferry waits for low water.",
    rest: str = "",
) -> str:
    """One item, as it stands in a document."""
    return (
        f"<item><title>Tide {number}</title><guid isPermaLink='false'>tide-{number}</guid>"
        f"<link>{SITE}/{number}</link><description>&lt;p&gt;{words}&lt;/p&gt;</description>"
        f"<pubDate>{date}</pubDate>{rest}</item>"
    )


def channel(*items: str, description: str = "Tides") -> bytes:
    return (
        f'<?xml version="1.0"?><rss version="2.0" {NAMESPACES}><channel><title>Tides</title>'
        f"<link>{SITE}/</link><description>{description}</description>{''.join(items)}"
        "</channel></rss>"
    ).encode()


class Counted(Scene):
    """A scene that counts the writes of each refresh."""

    writes: tuple[str, ...] = ()

    def __init__(self, document: bytes, subscription: Subscription = SUBSCRIPTION) -> None:
        super().__init__(document, CountingStore(MemoryStore()), subscription)

    def reads(self, document: bytes, **later: float) -> Outcome:
        """What a refresh comes to after the origin says this, some time later."""
        self.later(**(later or {"minutes": 15}))
        self.says(Fetched(self.subscription.url, document, "application/rss+xml"))
        return self.again()

    def again(self) -> Outcome:
        store = self.store
        assert isinstance(store, CountingStore)
        store.reset()
        outcome = refresh(self.subscription, self.world())
        self.writes = tuple(store.writes)
        return outcome


def begun(*items: str, **changes: object) -> Counted:
    scene = Counted(channel(*items))
    scene.configure(**changes)
    scene.refresh()
    return scene


def sorts(outcome: Outcome) -> tuple[int, int, int]:
    """Entries that were new, revised and amended."""
    return outcome.new, outcome.revised, outcome.amended


PARTICULARS = [
    ("<author>a@x.example (Ada)</author>", "<author>b@x.example (Bo)</author>", "Bo"),
    ("<category>boats</category>", "<category>ferries</category>", "ferries"),
    (
        f'<enclosure url="{SITE}/1.mp3" length="1" type="audio/mpeg"/>',
        f'<enclosure url="{SITE}/2.mp3" length="1" type="audio/mpeg"/>',
        "2.mp3",
    ),
    ("", f'<podcast:transcript url="{SITE}/1.vtt" type="text/vtt"/>', "1.vtt"),
    ("", f'<enclosure url="{SITE}/late.mp3" length="1" type="audio/mpeg"/>', "late.mp3"),
    (
        f'<media:thumbnail url="{SITE}/1.jpg?oe=1"/>',
        f'<media:thumbnail url="{SITE}/1.jpg?oe=2"/>',
        "oe=2",
    ),
]


@pytest.mark.costly
@pytest.mark.parametrize(("before", "after", "shown"), PARTICULARS)
def test_particulars_follow_quietly_in_every_format_and_are_stored(
    before: str, after: str, shown: str
) -> None:
    scene = begun(said(rest=before), said(2))
    outcome = scene.reads(channel(said(rest=after), said(2)))
    assert sorts(outcome) == (0, 0, 1)
    assert outcome.outcome == "changed"
    for name in ("rss.xml", "atom.xml"):
        assert shown in scene.public(name)
    records = records_in(scene.store)
    assert sorted(key.rpartition(".json")[0][-2:] for key in records) == [".0", ".0", ".1"]
    assert scene.again().outcome == "unchanged"
    assert scene.writes == ()


def test_particulars_of_an_entry_that_left_the_feed_are_stored_and_on_its_page(
    small_pages: None,
) -> None:
    items = [said(number) for number in range(9, 0, -1)]
    scene = begun(*items, keep=2)
    before = scene.public()
    items[-1] = said(1, rest="<category>ferries</category>")
    assert sorts(scene.reads(channel(*items))) == (0, 0, 1)
    assert "Tide 1" not in scene.public()
    assert scene.public().count("<item>") == before.count("<item>")
    (record,) = [key for key in records_in(scene.store) if key.endswith(".1.json")]
    page = scene.public(f"entries/{record.split('/')[-2]}.html")
    assert "ferries" in page


def test_record_that_was_fetched_last_counts_when_the_state_is_lost() -> None:
    first, second = said(words="As it was."), said(words="Corrected for a while.")
    scene = begun(first, said(2))
    for words in (second, first):
        scene.reads(channel(words, said(2)), hours=5)
    scene.reads(channel(said(words="As it was.", rest="<category>late</category>"), said(2)))
    assert len(records_in(scene.store)) == 5
    before = scene.public()
    store = scene.store
    assert isinstance(store, CountingStore)
    objects = store.inner.objects  # type: ignore[attr-defined]
    del objects["state/news.json"]
    rebuild(scene.subscription, store, PUBLIC_URL, scene.now)
    assert "late" in scene.public()
    assert scene.public().count("As it was.") == before.count("As it was.")
    assert scene.reads(channel(said(words="As it was.", rest="<category>late</category>"), said(2))
    ).outcome == "unchanged"  # fmt: skip


@pytest.mark.costly
def test_fiftieth_record_of_the_same_words_is_overwritten_by_the_next() -> None:
    scene = begun(said(), said(2))
    for number in range(60):
        scene.reads(channel(said(rest=f"<category>c{number}</category>"), said(2)), days=3)
    records = [key for key in records_in(scene.store) if not key.endswith(".0.json")]
    assert len(records) == 49
    last = scene.store.load(max(records, key=lambda key: int(key.split(".")[-2])))
    assert last is not None
    assert b"c59" in last.body


# ---------------------------------------------------------------- dates


def test_date_that_follows_the_clock_is_no_change() -> None:
    scene = begun(said(), said(2))
    for hour in range(9, 20):
        outcome = scene.reads(channel(said(date=f"Mon, 02 Mar 2026 {hour:02}:00:00 GMT"), said(2)))
        assert outcome.outcome == "unchanged"
        assert scene.writes == ()
    assert "08:00:00" in scene.public()


@pytest.mark.parametrize(
    "date",
    [
        "Sun, 01 Mar 2026 08:00:00 GMT",
        "Thu, 02 Mar 2017 08:00:00 GMT",
        "Tue, 02 Mar 2027 08:00:00 GMT",
    ],
)
def test_date_that_is_corrected_follows(date: str) -> None:
    scene = begun(said(date="Mon, 02 Mar 2026 09:00:00 GMT"), said(2))
    scene.later(days=400)
    assert sorts(scene.reads(channel(said(date=date), said(2)))) == (0, 0, 1)
    assert date in scene.public().replace("+0000", "GMT")


# ---------------------------------------------------------------- counters


@pytest.mark.costly
@pytest.mark.parametrize(
    "counter",
    [
        '<media:community><media:statistics views="{}"/></media:community>',
        "<slash:comments>{}</slash:comments>",
        '<media:starRating count="{}"/>',
    ],
)
def test_counters_never_write_and_are_shown_as_they_were_stored(counter: str) -> None:
    scene = begun(said(rest=counter.format(100)), said(2))
    for views in range(101, 140):
        outcome = scene.reads(channel(said(rest=counter.format(views)), said(2)))
        assert outcome.outcome == "unchanged"
        assert scene.writes == ()
    outcome = scene.reads(channel(said(rest=counter.format(4711)), said(2), said(3)))
    assert sorts(outcome) == (1, 0, 0)
    assert counter.format(100) in scene.public()
    edited = said(words="Edited.", rest=counter.format(4711))
    assert scene.reads(channel(edited, said(2), said(3))).revised == 1
    assert counter.format(4711) in scene.public()


# ---------------------------------------------------------------- flapping


@pytest.mark.costly
def test_words_that_change_at_every_poll_are_followed_three_times_then_daily() -> None:
    scene = begun(said(), said(2))
    followed = 0
    for poll in range(1, 2 * 24 * 4):  # two days
        outcome = scene.reads(channel(said(words=f"Seen {poll} times."), said(2)))
        followed += outcome.revised
        assert (outcome.held == 1) == (outcome.revised == 0)
        assert (scene.writes == ()) == (outcome.held == 1) or poll % 96 == 0
    assert followed == 3 + 1


@pytest.mark.costly
def test_addresses_that_expire_are_followed_four_times_a_day() -> None:
    scene = begun(
        said(rest=f'<enclosure url="{SITE}/1.mp3?token=a" length="1" type="audio/mpeg"/>')
    )
    followed = 0
    for poll in range(1, 2 * 24 * 4):
        enclosure = f'<enclosure url="{SITE}/1.mp3?token=a{poll}" length="1" type="audio/mpeg"/>'
        followed += scene.reads(channel(said(rest=enclosure))).amended
    assert followed == 3 + 7


def test_change_that_is_held_back_is_followed_once_it_may_be_though_the_origin_is_quiet() -> None:
    scene = begun(said(), said(2))
    for poll in range(4):
        scene.reads(channel(said(words=f"Edit {poll}."), said(2)))
    other = said(2, rest="<category>is followed at once</category>")
    assert sorts(scene.reads(channel(said(words="Edit 4."), other))) == (0, 0, 1)
    assert "Edit 2." in scene.public()
    assert "Edit 4." not in scene.public()
    scene.later(hours=24)
    assert scene.again().revised == 1
    assert "Edit 4." in scene.public()


@pytest.mark.costly
def test_clock_in_the_head_is_followed_three_times_then_daily() -> None:
    scene = begun(said())
    changes = sum(
        scene.reads(channel(said(), description=f"As of {poll}")).outcome == "changed"
        for poll in range(1, 2 * 24 * 4)
    )
    assert changes == 3 + 1


def test_new_entry_takes_along_what_is_held_back() -> None:
    scene = begun(said())
    for poll in range(5):
        scene.reads(channel(said(words=f"Edit {poll}."), description=f"As of {poll}"))
    outcome = scene.reads(channel(said(2), said(words="Edit 4."), description="As of 4"))
    assert sorts(outcome) == (1, 1, 0)
    assert "Edit 4." in scene.public()
    assert "As of 4" in scene.public()


# ---------------------------------------------------------------- who is who


def test_id_stays_as_it_was_first_published_whatever_form_the_guid_takes() -> None:
    scene = begun(said().replace("tide-1", f"{SITE}/caf%c3%a9"))
    for guid in (f"http{SITE[5:]}/caf%c3%a9", f"{SITE}/caf%C3%A9", f"{SITE}/café?utm_source=x"):
        edited = said(words=f"As {guid[-4:]}.").replace("tide-1", guid)
        assert sorts(scene.reads(channel(edited), days=2)) == (0, 1, 0)
        assert f"{SITE}/caf%c3%a9</guid>" in scene.public()
        assert f"<id>{SITE}/caf%c3%a9</id>" in scene.public("atom.xml")


def test_document_that_breaks_and_recovers_doubles_nothing_and_loses_no_particulars() -> None:
    whole = channel(said(rest="<slash:section>boats</slash:section>"), said(2))
    scene = begun(said(rest="<slash:section>boats</slash:section>"), said(2))
    broken = whole.replace(b"</channel>", b"<image><url>x</image></channel>")
    for document in (broken, whole, broken, whole):
        assert sorts(scene.reads(document)) == (0, 0, 0)
        assert "boats" in scene.public()


@pytest.mark.parametrize("keep", [1, 5])
def test_guids_that_are_used_again_bring_new_entries_though_the_old_ones_left(
    keep: int, small_pages: None
) -> None:
    """As of a weblog that was moved, and counts from one again."""
    scene = begun(*(said(number) for number in range(6, 0, -1)), keep=keep)
    herons = "Seven herons came down near market stalls and nobody had expected that."
    again = [
        said(n, date=f"Tue, 1{n} Mar 2026 08:00:00 GMT", words=f"{n} {herons}").replace(
            "Tide", "Heron"
        )
        for n in range(3, 0, -1)
    ]
    scene.later(days=20)
    assert sorts(scene.reads(channel(*again))) == (3, 0, 0)
    titles = [title for seen in scene.history() for title in seen.titles]
    assert sorted(titles) == [
        *(f"Heron {n}" for n in (1, 2, 3)),
        *(f"Tide {n}" for n in range(1, 7)),
    ]
    assert scene.again().outcome == "unchanged"


def test_lone_item_of_an_ambiguous_guid_is_not_taken_for_an_edit() -> None:
    """Not even of the one that had it first, with which it shares words and link."""
    items = [said(n).replace(f"tide-{n}", "tide").replace(f"{SITE}/{n}", SITE) for n in (3, 2, 1)]
    scene = begun(*items)
    new = said(4, words="The ferry waits for high water.")
    new = new.replace("tide-4", "tide").replace(f"{SITE}/4", SITE)
    assert sorts(scene.reads(channel(new))) == (1, 0, 0)
    assert scene.public().count("<item>") == 4


def test_ambiguity_is_known_again_when_the_state_was_lost() -> None:
    items = [said(number).replace(f"tide-{number}", "tide") for number in (3, 2, 1)]
    scene = begun(*items)
    store = scene.store
    assert isinstance(store, CountingStore)
    del store.inner.objects["state/news.json"]  # type: ignore[attr-defined]
    rebuild(scene.subscription, store, PUBLIC_URL, scene.now)
    new = said(4, date=f"{NOON + timedelta(days=1):%a, %d %b %Y %H:%M:%S} GMT")
    outcome = scene.reads(channel(new.replace("tide-4", "tide"), *items[:2]), days=2)
    assert sorts(outcome) == (1, 0, 0)
    assert scene.public().count("<item>") == 4
