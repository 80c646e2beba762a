"""What readers get at which address: one table, for the CDN's function and for `feedmirror serve`.

A mirror that has all that a mirror may have, and what is asked of it; an address is as it is sent.
Where a page is missing they differ: the CDN's function cannot know that, the server does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

PAGE = "000001-0a1b2c3d4e5f"
ENTRY = "769fddacdc8774210f16b68e65dd3116"

FEEDS = ("atom.xml", "feed.json", "rss.xml")
SITE = ("404.html", "feeds.opml", "index.html", "removed.html", "status.json", "style-0a1b2c3d.css")
FOLDERS = ("news", f"news/archive/{PAGE}")

KEYS = frozenset(
    {
        *(f"public/{name}" for name in SITE),
        *(f"public/{folder}/{name}" for folder in FOLDERS for name in (*FEEDS, "index.html")),
        f"public/news/entries/{ENTRY}.html",
    }
)

NAVIGATION = {"Sec-Fetch-Dest": "document", "Sec-Fetch-Mode": "navigate", "Accept": "text/html"}
READERS = (
    {},
    {"If-None-Match": '"other"'},
    {"Sec-Fetch-Dest": "empty", "Sec-Fetch-Mode": "cors"},  # fetch() of a web reader
    {"Sec-Fetch-Dest": "image"},
    {"Sec-Fetch-Dest": "iframe"},
    {"Sec-Fetch-Dest": "Document"},  # a token, and its case counts
)


@dataclass(frozen=True, slots=True)
class Case:
    """A request, and what is to come of it."""

    address: str
    headers: dict[str, str]
    key: str | None = None  # of the document that is sent
    location: str | None = None  # where to go instead; neither: there is nothing

    @property
    def status(self) -> int:
        return 302 if self.location else 200 if self.key else 404

    def __str__(self) -> str:
        sent = ", ".join(f"{name}: {value}" for name, value in self.headers.items())
        return f"{self.address or '(empty)'} {sent}".strip()


def _cases() -> Iterator[Case]:
    for headers in (*READERS, NAVIGATION):
        # Indexes of folders, with and without their names.
        for folder in ("", *(f"{folder}/" for folder in FOLDERS)):
            yield Case(f"/{folder}", headers, key=f"public/{folder}index.html")
            yield Case(f"/{folder}index.html", headers, key=f"public/{folder}index.html")
        # What everybody gets as it is: the site's own documents, and pages of entries.
        for key in (*SITE, f"news/entries/{ENTRY}.html"):
            yield Case(f"/{key}", headers, key=f"public/{key}")
        # Folders without their slash, whether they are there or not.
        for folder in (*FOLDERS, "a", "nothing", "x" * 63, "nothing/archive/nothing"):
            yield Case(f"/{folder}", headers, location=f"/{folder}/")
        # What is not there.
        yield from (Case(address, headers) for address in NOTHING)
    # Feeds, for programs that read them and for people.
    for name in FEEDS:
        for folder in FOLDERS:
            for headers in READERS:
                yield Case(f"/{folder}/{name}", headers, key=f"public/{folder}/{name}")
        yield Case(f"/news/{name}", NAVIGATION, location="/news/#subscribe")
        archived = f"/news/archive/{PAGE}/"
        yield Case(f"{archived}{name}", NAVIGATION, location=archived)
    # Encoded, an address is nobody's to redirect, and still finds its document.
    yield Case("/n%65ws/rss.xml", NAVIGATION, key="public/news/rss.xml")
    yield Case("/news%2Frss.xml", NAVIGATION, key="public/news/rss.xml")
    yield Case("/n%65ws/", {}, key="public/news/index.html")


NOTHING = (
    "/nothing/",
    "/nothing.html",
    "/news/nothing.html",
    "/news/archive",
    "/news/archive/",
    "/news/archive/nothing/",
    f"/news/archive/{PAGE}/nothing/",
    f"/news/archive/{PAGE}/archive/{PAGE}",
    "/news/entries",
    "/news/entries/",
    f"/news/entries/{ENTRY}",
    f"/news/entries/{ENTRY[:-1]}f.html",
    "/news/rss.xml/",
    "/News",
    "/NEWS/rss.xml",
    "/news/RSS.XML",
    "/n%65ws",
    "/news%0a",
    "/status.json/",
    "/style-00000000.css",
    "/favicon.ico",
    "/%2Fevil",
    "/\\evil",
    "/.evil.example",
    "/a:b",
    "/news//rss.xml",
)

CASES = tuple(_cases())

# Whatever becomes of these, nobody is sent to another host.
STRAYING = (
    "//evil",
    "//evil.example",
    "//evil.example/",
    "//evil/archive/page",
    "//evil/rss.xml",
    "///evil/rss.xml",
    "/\\evil",
    "/\\evil/rss.xml",
    "/%2Fevil/rss.xml",
    "/https:evil/rss.xml",
    "/evil.example",
    "/@evil/rss.xml",
)
