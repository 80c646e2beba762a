"""Feed readers of other people, run as their users run them, and the mirror they subscribe to.

The mirror is made by `feedmirror run` in a process of its own, from an origin on loopback, and
served by the program's own server. A reader gets a home and an environment of its own: whatever
proxies or settings this machine has, it asks that server and nobody else.
"""

from __future__ import annotations

import json
import mailbox
import os
import sqlite3
import subprocess
import time
from collections.abc import Iterator, Mapping
from configparser import ConfigParser
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from hashlib import sha256
from pathlib import Path
from threading import Thread
from typing import Any

from commands import spawn, write_config
from feedmirror.entrypoints.web.server import FeedServer
from origin_server import OriginServer

WORDS = "This copy is kept by its readers and stands for nothing else"
_DEFAULTS = f'[defaults]\ndisclaimer.text = "{WORDS}"\n'
_TIMEOUT_S = 60  # of a program; it takes less than one


# ---------------------------------------------------------------- the mirror


@dataclass
class ServedMirror:
    """Feeds on their way from an origin to readers; `served_mirror` makes one."""

    folder: Path  # of feeds.toml and the store
    origin: OriginServer
    server: FeedServer
    log: list[str]  # the server's, a line a request
    keys: Mapping[str, object]  # of every feed
    retired: set[str] = field(default_factory=set)  # slugs
    _urls: dict[str, str] = field(default_factory=dict)  # of the feeds at the origin, by slug

    def origin_says(self, slug: str, document: bytes, *, at: str | None = None) -> None:
        """The document that the origin has from now on; `at` another address, if it moved."""
        path = at or f"/{slug}"
        kind = "application/feed+json" if document.startswith(b"{") else "application/xml"
        etag = f'"{sha256(document).hexdigest()}"'
        self.origin.serve(path, document, etag=etag, content_type=kind)
        self._urls[slug] = self.origin.url(path)

    def refresh(self) -> dict[str, dict[str, object]]:
        """What refreshing all feeds came to, by slug: `outcome`, `http_status`, `new`, ..."""
        public_url = f'public_url = "{self.server.base}"\n'
        keys = "".join(f"{key} = {json.dumps(value)}\n" for key, value in self.keys.items())
        write_config(self.folder, self._urls, top=f"{public_url}{_DEFAULTS}{keys}")
        with (self.folder / "feeds.toml").open("a") as config:
            config.writelines(f"[feeds.{slug}]\nretired = true\n" for slug in self.retired)
        with spawn("run", "--json", cwd=self.folder) as command:
            out, err = command.communicate(timeout=_TIMEOUT_S)
        assert command.returncode == 0, err
        return {each["feed"]: each for each in json.loads(out)["feeds"]}

    def url(self, slug: str) -> str:
        """What a reader subscribes to."""
        return f"{self.server.base}/{slug}/rss.xml"

    def file(self, slug: str) -> Path:
        """The public document in the store."""
        return self.folder / "mirror/public" / slug / "rss.xml"

    def statuses(self, slug: str, count: int) -> list[int]:
        """What the server has answered to those who asked for the feed, once it did so `count`
        times: it notes an answer when it is sent, and the reader may be gone by then.
        """
        deadline = time.monotonic() + 5
        while len(found := self._statuses(slug)) < count and time.monotonic() < deadline:
            time.sleep(0.01)
        return found

    def _statuses(self, slug: str) -> list[int]:
        asked = f" GET /{slug}/rss.xml "
        return [int(line.split()[-2]) for line in self.log if asked in line]


@contextmanager
def served_mirror(folder: Path, **keys: object) -> Iterator[ServedMirror]:
    """A mirror without feeds yet, served while the context lasts; `keys` are those of every feed
    in feeds.toml.
    """
    log: list[str] = []
    with (
        OriginServer() as origin,
        FeedServer(folder / "mirror", "127.0.0.1", 0, log.append) as server,
    ):
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield ServedMirror(folder, origin, server, log, {"keep": 10_000, **keys})
        finally:
            server.shutdown()
            thread.join()


# ---------------------------------------------------------------- the readers


def _run(home: Path, *argv: str) -> None:
    """Run a reader to its end. It has to be content, which readers say by their silence."""
    environment = {
        "HOME": str(home),
        "XDG_RUNTIME_DIR": str(home),  # where rss2email has its lock
        "PATH": os.defpath,
        "LANG": "C.UTF-8",
        "TZ": "UTC",
    }
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "timeout": _TIMEOUT_S}
    reader = subprocess.run(argv, cwd=home, env=environment, **pipes, check=False)
    assert (reader.returncode, reader.stdout.decode()) == (0, "")


@dataclass(frozen=True, slots=True)
class Row:
    """An entry as newsboat keeps it."""

    feed_url: str
    guid: str
    title: str  # made of the link where the entry has none
    url: str  # empty where the entry has none
    author: str
    published_s: int  # since 1970; when it was downloaded, where the entry has no date
    content: str  # HTML: content:encoded, else itunes:summary, else description
    enclosure_url: str  # of a sound or a film
    enclosure_type: str


class Newsboat:
    """newsboat; of two entries with the same guid, in whatever feeds, it keeps one."""

    def __init__(self, program: str, home: Path, *urls: str) -> None:
        self._home = home
        files = ("-u", "urls", "-C", "config", "-c", "cache.db")
        self._reload = (program, *files, "-x", "reload")
        (home / ".newsboat").mkdir(parents=True)  # else it looks at and makes other folders
        (home / "urls").write_text("\n".join(urls))
        (home / "config").write_text(f'error-log "{home}/errors"\n')

    def reload(self) -> list[Row]:
        """The entries that its user sees after it has asked for the feed, the latest first."""
        _run(self._home, *self._reload)
        errors = self._home / "errors"
        assert not errors.exists() or errors.read_text() == ""
        columns = "guid, title, url, author, pubDate, content, enclosure_url, enclosure_type"
        query = f"SELECT feedurl, {columns} FROM rss_item WHERE NOT deleted ORDER BY id DESC"
        return [Row(*values) for values in self._cached(query)]

    def titles(self) -> dict[str, str]:
        """What it calls its feeds, by their addresses."""
        return dict(self._cached("SELECT rssurl, title FROM rss_feed"))

    def _cached(self, query: str) -> list[Any]:
        with closing(sqlite3.connect(self._home / "cache.db")) as cache:
            return cache.execute(query).fetchall()


class Rss2Email:
    """rss2email, delivering into a maildir of its own."""

    def __init__(self, program: str, home: Path, feeds: Mapping[str, str]) -> None:
        home.mkdir(parents=True)
        self._home = home
        self._command = (program, "-c", "config", "-d", "data.json")
        config = ConfigParser(interpolation=None)
        config["DEFAULT"] = {
            "to": "reader@example.org",
            "email-protocol": "maildir",
            "maildir-path": str(home),
            "maildir-mailbox": "mail",
            "date-header": "True",  # the entry's date, not the time of the delivery
            "date-header-order": "issued",
            "body-width": "-1",  # lines as long as they are
            "verbose": "warning",
        }
        with (home / "config").open("w") as file:
            config.write(file)
        outlines = "".join(f'<outline text="{n}" xmlUrl="{url}"/>' for n, url in feeds.items())
        (home / "feeds.opml").write_text(f'<opml version="1.0"><body>{outlines}</body></opml>')
        _run(home, *self._command, "opmlimport", "feeds.opml")

    def run(self) -> list[EmailMessage]:
        """The messages that one more look at its feeds brings."""
        mail = mailbox.Maildir(self._home / "mail")
        before = set(mail.keys())
        _run(self._home, *self._command, "run")
        new = map(mail.get_bytes, set(mail.keys()) - before)
        return [message_from_bytes(each, policy=policy.default) for each in new]
