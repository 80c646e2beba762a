"""Attacks in a browser: pages and feeds as they are served, and without protecting headers."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import pytest

from browser import addresses_below
from builders import entry, rss_document
from effort import some
from hostile_feeds import entries
from inertness import MARK
from node_tools import NODE
from readers import WORDS, ServedMirror, served_mirror
from vectors import CANARY, FORGED, OPEN_ENDED, VECTORS
from vectors_xml import FOREIGN

pytestmark = pytest.mark.slow

_TIMEOUT_S = 120
_ALONE = ("mutations", "polyglots")  # each may change what the next one means
VIEWER = frozenset("html head style body div span br".split())  # with which it shows XML
FORBIDDEN = {"script", "iframe", "object", "embed", "form", "base", "style", "template", "noscript"}


def _document() -> bytes:
    """Return a feed with all attack vectors on few pages."""
    together = {name: "".join(held) for name, held in VECTORS.items() if name not in _ALONE}
    alone = [each for name in _ALONE for each in some(VECTORS[name], 2)]
    bodies = [*together.values(), *alone, *some(OPEN_ENDED, 4), *FORGED]
    addresses = [each["summary"] for each in entries() if str(each["title"]) == each.get("guid")]
    bodies += ["".join(addresses[start::4]) for start in range(4)]
    made = [
        entry(
            number,
            title=body[:300],
            author=body[:300],
            categories=[body[:100]],
            content=body,
            enclosures=[(f"https://files.example.org/{number}.mp3", "1", "audio/mpeg")],
            extra=FOREIGN[number % len(FOREIGN)],
        )
        for number, body in enumerate(bodies)
    ]
    return rss_document(made, title="<svg/onload=alert(1)>")


class _Bare(SimpleHTTPRequestHandler):
    """Server of files without protecting headers; feeds are served as XML that a browser shows."""

    extensions_map = {  # noqa: RUF012 - the parent class declares it so
        ".html": "text/html; charset=utf-8",
        ".css": "text/css",
        ".xml": "application/xml",
        ".opml": "text/xml",
        ".json": "application/json",
        ".xhtml": "application/xhtml+xml",
    }

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def _served_bare(folder: Path) -> Iterator[str]:
    handler = partial(_Bare, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def _attacked(chromium: str, addresses: Sequence[str]) -> Any:
    """Return the report of `tests/node/attack.mjs`."""
    task = {"browser": chromium, "addresses": addresses, "mark": MARK}
    done = subprocess.run(
        ["node", NODE / "attack.mjs"],
        input=json.dumps(task),
        capture_output=True,
        text=True,
        check=False,
        timeout=_TIMEOUT_S,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def mirror(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedMirror]:
    with served_mirror(tmp_path_factory.mktemp("hostile"), keep=25) as served:
        served.origin_says("gazette", _document())
        assert served.refresh()["gazette"]["outcome"] == "changed"
        yield served


def _ran(seen: Any) -> list[Any]:
    """Return the signs that an attack ran, or that only a policy kept it from running."""
    told = [(where, text) for where, text in seen["console"] if not _is_of_files(text)]
    asked = [request for request in seen["requests"] if urlsplit(request[2]).netloc == CANARY]
    others = [request for request in seen["requests"] if request[1] in {"script", "xhr", "fetch"}]
    return [*seen["dialogs"], *told, *asked, *others, *seen["popups"]]


def _is_of_files(text: str) -> bool:
    """True if the browser only reports that a file cannot be loaded, which holds for all here."""
    return "net::ERR_" in text or text.startswith("Failed to load resource")


def _elsewhere(seen: Any, base: str) -> list[Any]:
    return [r for r in seen["requests"] if r[2].startswith("http") and not r[2].startswith(base)]


# ---------------------------------------------------------------- the watch itself


@pytest.mark.row("R1")
def test_attacks_run_in_an_unprotected_document(chromium: str, tmp_path: Path) -> None:
    for name in ("scripts", "handlers", "vector graphics", "frames and plug-ins"):
        markup = "".join(VECTORS[name])
        (tmp_path / f"{name.replace(' ', '-')}.html").write_text(
            f"<!doctype html><meta charset=utf-8><title>{name}</title><body>{markup}"
        )
    (tmp_path / "foreign.xml").write_text(
        f"<rss>{''.join(each for each in FOREIGN if ':' not in each.split()[0])}</rss>"
    )
    with _served_bare(tmp_path) as base:
        addresses = [f"{base}/{path.name}" for path in sorted(tmp_path.iterdir())]
        seen = _attacked(chromium, addresses)
    assert {where for where, _ in seen["dialogs"]} == set(addresses)
    assert any(CANARY in request[2] for request in seen["requests"])


# ---------------------------------------------------------------- nothing runs


@pytest.mark.row("R1", "R2", "R3", "R8")
def test_no_attack_runs_in_any_document_served_without_a_policy(
    chromium: str, mirror: ServedMirror
) -> None:
    public = mirror.folder / "mirror/public"
    page = max((public / "gazette/archive").iterdir())
    documents = [path for path in public.rglob("*.*") if path.parent.parent != page.parent]
    documents += [path for path in public.rglob("*.*") if path.parent == page]
    with _served_bare(public) as base:
        addresses = [f"{base}/{p.relative_to(public)}" for p in documents if p.suffix != ".css"]
        assert len(addresses) > 60
        seen = _attacked(chromium, addresses)
    assert _ran(seen) == []
    assert {kind for _, kind, _, _ in _elsewhere(seen, base)} <= {"image"}
    assert {referrer for _, _, url, referrer in seen["requests"] if "127.0.0.1" not in url} == {""}
    for address, found in seen["pages"].items():
        assert found["odd"] == [], address
        if found["kind"] == "text/html":
            assert FORBIDDEN.isdisjoint(found["names"]), address
            assert not [name for name in found["names"] if name.startswith("other:")], address
        elif found["kind"].endswith("xml"):
            assert {name for name in found["names"] if "other:" not in name} <= VIEWER, address
        _judge_notices(address, found)


def _judge_notices(address: str, found: Any) -> None:
    if "/gazette/" in address and found["kind"] == "text/html":
        (notice,) = found["notices"]
        assert WORDS in " ".join(notice["words"].split()), address
        assert notice["visible"], address
        assert notice["height"] > 10, address
        assert notice["on_top"], address


@pytest.mark.row("R1", "R8")
def test_served_pages_violate_their_policy_nowhere(chromium: str, mirror: ServedMirror) -> None:
    base = mirror.server.base
    every = addresses_below(mirror.folder, base)
    entry_pages = [address for address in every if "/entries/" in address]
    seen = _attacked(chromium, [*(a for a in every if a not in entry_pages), *entry_pages[::8]])
    assert _ran(seen) == []


@pytest.mark.row("R8")
def test_without_pictures_attacks_make_a_browser_contact_no_other_host(
    chromium: str, tmp_path: Path
) -> None:
    with served_mirror(tmp_path, images="none") as served:
        served.origin_says("gazette", _document())
        served.refresh()
        public = served.folder / "mirror/public"
        with _served_bare(public) as base:
            pages = [f"{base}/{p.relative_to(public)}" for p in sorted(public.rglob("*.html"))]
            seen = _attacked(chromium, pages[::6])
    assert _elsewhere(seen, base) == []
    assert {urlsplit(url).netloc for _, _, url, _ in seen["requests"]} == {urlsplit(base).netloc}
