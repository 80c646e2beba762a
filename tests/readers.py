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
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from hashlib import sha256
from pathlib import Path
from threading import Thread

from commands import spawn, write_config
from conftest import require_program
from feedmirror.entrypoints.web import FeedServer
from origin_server import OriginServer

WORDS = "This copy is kept by its readers and stands for nothing else"
_DEFAULTS = f'[defaults]\ndisclaimer = "{WORDS}"\nkeep = 10000\n'
_TIMEOUT_S = 60
_MESSAGES = BytesParser(EmailMessage, policy=policy.default)


# ---------------------------------------------------------------- the mirror


@dataclass
class ServedMirror:
    """Feeds on their way from an origin to readers; `served_mirror` makes one."""

    folder: Path  # of feeds.toml and the store
    origin: OriginServer
    server: FeedServer
    log: list[str]  # the server's, a line a request
    _urls: dict[str, str] = field(default_factory=dict)  # of the feeds at the origin, by slug

    def origin_says(
        self, slug: str, document: bytes, *, at: str = "", content_type: str = "application/xml"
    ) -> None:
        """The document that the origin has from now on, in a place of its own if `at` says so."""
        path = f"/{at or slug}"
        etag = f'"{sha256(document).hexdigest()}"'
        self.origin.serve(path, document, etag=etag, content_type=content_type)
        self._urls[slug] = self.origin.url(path)

    def refresh(self) -> dict[str, dict[str, object]]:
        """What refreshing all feeds came to, by slug: `outcome`, `new`, `revised`, ..."""
        public_url = f'public_url = "{self.server.base}"\n'
        write_config(self.folder, self._urls, top=f"{public_url}{_DEFAULTS}")
        with spawn("run", "--json", cwd=self.folder) as command:
            out, err = command.communicate(timeout=_TIMEOUT_S)
        assert command.returncode == 0, err
        return {each["feed"]: each for each in json.loads(out)["feeds"]}

    def url(self, slug: str) -> str:
        """What a reader subscribes to."""
        return f"{self.server.base}/{slug}/rss.xml"

    def document(self, slug: str) -> bytes:
        """The public document as the store has it."""
        return (self.folder / "mirror/public" / slug / "rss.xml").read_bytes()

    def statuses(self, slug: str, count: int) -> list[int]:
        """What the server has answered to those who asked for the feed, once that is `count`.

        It writes a line after it has answered, when the reader may be gone already.
        """
        deadline = time.monotonic() + 5
        while len(found := self._statuses(slug)) < count and time.monotonic() < deadline:
            time.sleep(0.01)
        return found

    def _statuses(self, slug: str) -> list[int]:
        asked = f" GET /{slug}/rss.xml "
        return [int(line.split()[-2]) for line in self.log if asked in line]


@contextmanager
def served_mirror(folder: Path) -> Iterator[ServedMirror]:
    """A mirror without feeds yet, served while the context lasts."""
    log: list[str] = []
    with (
        OriginServer() as origin,
        FeedServer(folder / "mirror", "127.0.0.1", 0, log.append) as server,
    ):
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield ServedMirror(folder, origin, server, log)
        finally:
            server.shutdown()
            thread.join()


# ---------------------------------------------------------------- the readers


def _run(home: Path, *argv: str) -> None:
    """Run a reader to its end; it has to be content, and to say so by its silence."""
    environment = {
        "HOME": str(home),
        "XDG_RUNTIME_DIR": str(home),  # for locks
        "PATH": os.defpath,
        "LANG": "C.UTF-8",
        "TZ": "UTC",
    }
    done = subprocess.run(
        argv, cwd=home, env=environment, capture_output=True, text=True, timeout=_TIMEOUT_S
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@dataclass(frozen=True, slots=True)
class Row:
    """An entry as newsboat keeps it."""

    guid: str
    title: str
    url: str
    author: str
    published_s: int  # since 1970; the time of the download where the entry has no date
    content: str  # HTML
    enclosure_url: str
    enclosure_type: str


class Newsboat:
    """newsboat with one subscription. It knows entries by their guid alone, across all feeds, so
    one of two that share a guid is lost to its user.
    """

    def __init__(self, home: Path, url: str) -> None:
        self._program = require_program("newsboat")
        self._home = home
        home.mkdir(parents=True)
        (home / ".newsboat").mkdir()
        (home / "urls").write_text(f"{url}\n")
        (home / "config").write_text(f'error-log "{home}/errors"\n')

    def reload(self) -> list[Row]:
        """The entries in its cache after it has asked for the feed, in the order they came."""
        files = ("-u", "urls", "-C", "config", "-c", "cache.db")
        _run(self._home, self._program, *files, "-x", "reload")
        errors = self._home / "errors"
        assert not errors.exists() or errors.read_text() == ""
        columns = "guid, title, url, author, pubDate, content, enclosure_url, enclosure_type"
        query = f"SELECT {columns} FROM rss_item WHERE NOT deleted ORDER BY id"
        with closing(sqlite3.connect(self._home / "cache.db")) as cache:
            return [Row(*values) for values in cache.execute(query)]

    def feed_title(self) -> str:
        """What it calls the feed."""
        with closing(sqlite3.connect(self._home / "cache.db")) as cache:
            [[title]] = cache.execute("SELECT title FROM rss_feed")
        return str(title)


class Rss2Email:
    """rss2email, delivering into a maildir of its own."""

    def __init__(self, home: Path, feeds: Mapping[str, str]) -> None:
        program = require_program("r2e")
        self._home = home
        home.mkdir(parents=True)
        config = ConfigParser(interpolation=None)
        config["DEFAULT"] = {
            "to": "reader@example.org",
            "email-protocol": "maildir",
            "maildir-path": str(home),
            "maildir-mailbox": "mail",
            "date-header": "True",  # the entry's date, not the time of the delivery
            "body-width": "-1",  # lines as long as they are
            "verbose": "warning",
        }
        with (home / "config").open("w") as file:
            config.write(file)
        outlines = "".join(f'<outline type="rss" text="{n}" xmlUrl="{u}"/>' for n, u in feeds.items())
        (home / "feeds.opml").write_text(f'<opml version="1.0"><body>{outlines}</body></opml>')
        self._command = (program, "-c", "config", "-d", "data.json")
        _run(home, *self._command, "opmlimport", "feeds.opml")

    def run(self) -> list[EmailMessage]:
        """The messages that one more look at its feeds brings."""
        mail = mailbox.Maildir(self._home / "mail", factory=_MESSAGES.parse)
        before = set(mail.keys())
        _run(self._home, *self._command, "run")
        return [mail[key] for key in sorted(set(mail.keys()) - before)]
