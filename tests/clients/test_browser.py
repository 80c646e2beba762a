"""A browser reads the mirror: served pages, links between them, accessibility, contacted hosts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from browser import DESK, PHONE, addresses_below, browse, complaints, hosts, serious
from builders import SITE, TITLE, entry, rss_document
from locations import DATA
from readers import ServedMirror, served_mirror

pytestmark = pytest.mark.slow

PICTURE = "https://pictures.example.org/crane.png"
ENTRIES = [
    entry(
        4,
        title="المركب الليلي يحمل الدراجات من جديد",
        content='<p dir="rtl" lang="ar">بعد شتاءين، يحمل المركب <b>الدراجات</b> من جديد.</p>',
    ),
    entry(
        3,
        title="A table & a picture of a crane",
        content=f'<h1>Tides</h1><p><a href="{SITE}x"><img src="{PICTURE}"></a> <font color="#eee">'
        "pale</font></p><table><tr><th>high</th><td>09:14</td></tr></table>"
        f"<pre>{'a line that is far too long for a telephone ' * 6}</pre><ul>loose<li>one</ul>",
        enclosures=[(f"{SITE}2.mp3", 1234, "audio/mpeg")],
        categories=["Tides", "Ferries"],
    ),
    entry(2, title=None, summary="<p>Words without a title, of which there are a few.</p>"),
    entry(1, author="Maud Sluice"),
    *(entry(-number) for number in range(40)),
]


OTHERS = {
    "plain-rss": "rss-2.0.xml",
    "podcast": "podcast-nested.xml",
    "video": "media-group-single.xml",
    "cyrillic": "windows-1251.xml",
}
DOCUMENT = rss_document(ENTRIES, extra_channel="<language>en</language>")


@pytest.fixture(scope="module")
def mirror(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedMirror]:
    """Return a mirror with an archive, and with feeds of several kinds."""
    with served_mirror(tmp_path_factory.mktemp("site"), keep=5) as served:
        served.origin_says("gazette", DOCUMENT)
        for slug, name in OTHERS.items():
            served.origin_says(slug, (DATA / name).read_bytes())
        served.refresh()
        yield served


def chosen_pages(mirror: ServedMirror) -> list[str]:
    """Return the addresses of the index, an archive page, and each feed's page and an entry."""
    found: dict[str, list[str]] = {}
    for address in addresses_below(mirror.folder, mirror.server.base):
        folder = address.removeprefix(mirror.server.base).rpartition("/")[0]
        found.setdefault(folder if "/archive/" not in folder else "archive", []).append(address)
    return [address for of_folder in found.values() for address in of_folder[:1]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_journey_from_the_index_to_an_older_entry_needs_no_script(
    chromium: str, mirror: ServedMirror, size: tuple[int, int], scheme: str
) -> None:
    base = mirror.server.base
    seen = browse(chromium, f"{base}/", size=size, scheme=scheme, feed=TITLE, shots=None)["walk"]
    index, feed, newest, previous = [url for url, _ in seen["visited"]]
    assert (index, feed) == (f"{base}/", f"{base}/gazette/")
    assert newest.startswith(f"{base}/gazette/entries/")
    assert previous.startswith(f"{base}/gazette/entries/")
    assert newest != previous
    assert seen["first"] == f"{SITE}4", "the first thing on a page leads to the original"
    assert seen["overflow"] == [], "nobody has to scroll sideways"
    assert complaints(seen) == []
    assert all(status < 400 for url, status in seen["statuses"] if url.startswith(base))
    assert hosts(seen) <= {base.removeprefix("http://"), "pictures.example.org"}


@pytest.mark.parametrize(("size", "scheme"), [(PHONE, "dark"), (DESK, "light")])
def test_pages_have_no_serious_accessibility_problem(
    chromium: str, mirror: ServedMirror, size: tuple[int, int], scheme: str
) -> None:
    pages = chosen_pages(mirror)
    assert len(pages) == 2 + 2 * (1 + len(OTHERS))
    if scheme == "dark":  # other colours, of the same elements
        pages = [page for page in pages if not any(f"/{slug}/" in page for slug in OTHERS)]
    told = browse(chromium, f"{mirror.server.base}/", size=size, scheme=scheme, pages=pages)
    assert len(told["judged"]["visited"]) == len(pages) >= 4
    assert serious(told["judged"]) == []


def test_without_pictures_a_browser_contacts_the_mirror_only(chromium: str, tmp_path: Path) -> None:
    with served_mirror(tmp_path, images="none") as served:
        served.origin_says("gazette", rss_document(ENTRIES))
        served.refresh()
        base, public = served.server.base, served.folder / "mirror/public"
        pages = [
            address
            for address in addresses_below(served.folder, base)
            if "/entries/" not in address
            or b"crane" in (public / address.removeprefix(f"{base}/")).read_bytes()
        ]
        assert any("/entries/" in address for address in pages)
        seen = browse(chromium, f"{served.server.base}/", opened=pages)["opened"]
        assert hosts(seen) == {served.server.base.removeprefix("http://")}
        assert complaints(seen) == []
        assert len(seen["visited"]) == len(pages)


def test_a_browser_that_opens_a_feed_is_redirected_to_its_page(
    chromium: str, mirror: ServedMirror
) -> None:
    base = mirror.server.base
    feeds = [f"{base}/gazette/{name}" for name in ("rss.xml", "atom.xml", "feed.json")]
    seen = browse(chromium, f"{base}/", opened=feeds)["opened"]
    assert [url for url, _ in seen["visited"]] == [f"{base}/gazette/#subscribe"] * 3
