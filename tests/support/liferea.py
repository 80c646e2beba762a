"""liferea, a reader with windows, on a screen that nobody sees.

It wants a bus of its own, by which it is also told to ask again; what it has read is in its
database.
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import quoteattr

_PATIENCE_S = 40
# `refresh` on standing input makes it ask again; the end of input ends it.
_SESSION = """
liferea --mainwindow-state=hidden &
while read -r word; do
    dbus-send --print-reply --dest=org.gnome.feed.Reader /org/gnome/feed/Reader \
        org.gnome.feed.Reader.Refresh
done
kill $!
wait $!
"""
_FEEDS = """<?xml version="1.0"?>
<opml version="1.0"><head><title>Feeds</title></head><body>
<outline title="mirror" text="mirror" type="rss" xmlUrl={url} id="mirror" updateInterval="1"/>
</body></opml>
"""


@dataclass(frozen=True, slots=True)
class Item:
    """An entry as liferea keeps it."""

    guid: str
    title: str
    link: str
    description: str


class Liferea:
    """One that is running; `liferea` starts it."""

    def __init__(self, home: Path, session: subprocess.Popen[str]) -> None:
        self._database = home / ".local/share/liferea/liferea.db"
        self._session = session

    def refresh(self) -> None:
        """Have it ask for its feed again."""
        assert self._session.stdin is not None
        self._session.stdin.write("refresh\n")
        self._session.stdin.flush()

    def items_when(self, ready: Callable[[list[Item]], bool]) -> list[Item]:
        """The entries that its user sees, once that holds; those it has at the end of patience."""
        deadline = time.monotonic() + _PATIENCE_S
        while not ready(found := self._items()) and time.monotonic() < deadline:
            time.sleep(0.1)
        return found

    def _items(self) -> list[Item]:
        if not self._database.exists():
            return []
        rows = "SELECT source_id, title, source, description FROM items ORDER BY date DESC, item_id"
        try:
            with closing(sqlite3.connect(f"file:{self._database}?mode=ro", uri=True)) as database:
                return [Item(*row) for row in database.execute(rows)]
        except sqlite3.OperationalError:  # it is just being made
            return []


@contextmanager
def liferea(home: Path, url: str) -> Iterator[Liferea]:
    """liferea, subscribed to that feed and running while the context lasts."""
    settings = home / ".config/liferea"
    settings.mkdir(parents=True)
    (settings / "feedlist.opml").write_text(_FEEDS.format(url=quoteattr(url)))
    environment = {
        "HOME": str(home),
        "XDG_RUNTIME_DIR": str(home),
        "PATH": os.defpath,
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "GSETTINGS_BACKEND": "memory",
        "NO_AT_BRIDGE": "1",
    }
    command = ["dbus-run-session", "--", "xvfb-run", "--auto-servernum", "sh", "-c", _SESSION]
    with (
        (home / "log").open("w") as log,
        subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            env=environment,
            cwd=home,
            text=True,
        ) as session,
    ):
        try:
            yield Liferea(home, session)
        finally:
            assert session.stdin is not None
            session.stdin.close()
            try:
                session.wait(timeout=15)
            except subprocess.TimeoutExpired:
                session.kill()
