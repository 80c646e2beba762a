"""Secrets of the configuration, and an origin that echoes them everywhere: nobody sees one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import timedelta
from html import escape, unescape
from pathlib import Path
from urllib.parse import quote, unquote

import pytest

from builders import atom_document, entry, json_feed, rss_document
from commands import feedmirror
from feedmirror.errors import FetchError, Kind
from feedmirror.layout import REDACTION_KEY
from feedmirror.model import Subscription
from lambda_function import Stage
from origin_server import OriginServer

PATH_KEY = "8f14e45fceea167a5a36dedd4bea2543"
TOKEN = "tQ9mZ2xW"
SPECIAL = "K9vTq2%2FLmX4%2BWd8RbYp3"  # of a query, with what is spelt in several ways
ALTERNATE_KEY = "c9f0f895-fb98-4ab9-9159-f51fd0297e23"
BEARER = "eyJhbG9xbi.Hw7PzK31"
COOKIE = "s3ss10nQx8Lw"
REDIRECT_KEY = "rd7Yk2Vn0P"
# What none of them can be told without.
CORES = (PATH_KEY, TOKEN, "K9vTq2", "Wd8RbYp3", "fb98-4ab9", "Hw7PzK31", COOKIE, REDIRECT_KEY)

FEED = f"/private/{PATH_KEY}/feed?token={TOKEN}&key={SPECIAL}&page=1"
OTHER = f"/{ALTERNATE_KEY}/feed"
LED_TO = f"/moved/feed?page=1&sig={REDIRECT_KEY}"
HEADERS = f'headers = {{ Authorization = "Bearer {BEARER}", Cookie = "theme=light; sid={COOKIE}" }}'
SECRETS = (PATH_KEY, TOKEN, SPECIAL, unquote(SPECIAL), ALTERNATE_KEY, BEARER, COOKIE)


def _spellings(secret: str) -> Iterator[str]:
    yield secret
    yield quote(secret, safe="")
    yield "".join(f"%{byte:02x}" for byte in secret.encode())
    yield "".join(f"%{byte:02X}" for byte in secret.encode())
    yield quote(quote(secret, safe=""), safe="")
    yield secret.replace("%2F", "%2f").replace("%2B", "+")


def _echoes(*more: str) -> list[str]:
    """Every secret that is configured, and more, in every spelling."""
    told = dict.fromkeys(spelt for secret in (*SECRETS, *more) for spelt in _spellings(secret))
    return [f"https://gazette.example.org/a?x={quote(each)}&{each}" for each in told]


def _markup(echoes: Iterable[str]) -> str:
    return "".join(
        f'<p><a href="{escape(url)}" title="{escape(url)}">{escape(url)}</a> '
        f'<img src="{escape(url)}" alt="{escape(url)}"></p>'
        for url in echoes
    )


def _entries(echoes: Sequence[str], begin: int) -> list[dict[str, object]]:
    """An entry for each echo: in its id, in its link, in all that it says."""
    return [
        entry(
            number,
            title=f"Number {number} {url}",
            guid=url,
            link=url,
            summary=_markup([url]),
            content=_markup(echoes if number == begin else [url]),
            author=f"pilot {url}",
            categories=(url,),
            enclosures=((url, 10, "audio/mpeg"),),
            comments=url,
        )
        for number, url in enumerate(echoes, begin)
    ]


def _rss(*more: str, begin: int = 1) -> bytes:
    echoes = _echoes(*more)
    links = "".join(
        f'<atom:link rel="{rel}" href="{escape(url)}"/>'
        for rel in ("self", "next", "hub", "related")
        for url in echoes
    )

    def extra(url: str) -> str:
        return f'<media:thumbnail url="{url}"/><dc:identifier>{url}</dc:identifier>'

    told = [
        {**each, "extra": extra(escape(url)), "source": (url, url)}
        for each, url in zip(_entries(echoes, begin), echoes, strict=True)
    ]
    # A link that is relative, or empty, takes from the address what it lacks.
    told += [
        entry(900 + begin, link="", guid=None, title=f"Empty link {begin}"),
        entry(901 + begin, link="?", guid=None, title=f"Bare query {begin}"),
        entry(902 + begin, link="#top", guid=None, summary='<a href="">x</a><img src="x.png">'),
    ]
    title = " ".join(echoes)
    return rss_document(told, title=title, link="", description=title, extra_channel=links)


def _atom() -> bytes:
    echoes = _echoes()
    told = " ".join(echoes)
    extra = f'<link rel="self" href="{escape(echoes[0])}"/><rights>{escape(told)}</rights>'
    return atom_document(
        _entries(echoes, 1), title=told, link="", feed_id=echoes[1], extra_feed=extra
    )


def _json() -> bytes:
    echoes = _echoes()
    urls = ("feed_url", "next_url", "home_page_url", "icon", "favicon", "user_comment")
    extra = dict(zip(urls, echoes, strict=False)) | {"description": " ".join(echoes)}
    return json_feed(_entries(echoes, 1), title=" ".join(echoes), extra_feed=extra)


class Mirror:
    """A configured feed at an origin on loopback, and all that was said of it."""

    def __init__(
        self, origin: OriginServer, here: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.origin = origin
        self.public = here / "mirror" / "public"
        self.said = ""
        self._capsys = capsys
        (here / "feeds.toml").write_text(
            f'[feeds.members]\nurl = "{origin.url(FEED)}"\nalternates = ["{origin.url(OTHER)}"]\n'
            f"allow_private_hosts = true\nkeep = 200\n{HEADERS}\n"
        )

    def command(self, *argv: str) -> int:
        code = feedmirror(*argv)
        out, err = self._capsys.readouterr()
        self.said += f"\n{out}\n{err}"
        return code

    def told(self) -> Iterator[tuple[str, str]]:
        """All that anybody gets to see, and the names of all that is stored."""
        yield "what was printed and logged", self.said
        for path in sorted(self.public.parent.rglob("*")):
            yield "a name", str(path.relative_to(self.public.parent))
            if path.is_file() and path.is_relative_to(self.public):
                yield str(path), path.read_bytes().decode()


def _require_no_secret(mirror: Mirror) -> None:
    for where, text in mirror.told():
        _require_none(where, text)


def _require_none(where: str, text: str) -> None:
    for _ in range(4):
        found = [core for core in CORES if core in text]
        assert not found, f"{found} in {where}"
        text = unescape(unquote(text))


@pytest.fixture
def mirror(tmp_path, monkeypatch, capsys) -> Iterator[Mirror]:
    monkeypatch.chdir(tmp_path)
    with OriginServer() as origin:
        yield Mirror(origin, tmp_path, capsys)


@pytest.mark.slow
@pytest.mark.row("O4")
@pytest.mark.parametrize("document", [_rss, _atom, _json])
def test_no_secret_that_an_origin_echoes_is_in_any_public_byte_or_line(document, mirror):
    mirror.origin.serve(FEED, document(), etag='"1"')
    assert mirror.command("run", "--json", "--verbose") == 0, mirror.said
    [request] = mirror.origin.requests
    assert (request.path, request.header("Authorization")) == (FEED, f"Bearer {BEARER}")
    assert (mirror.public / "members" / "rss.xml").exists()
    # All entries are there, each under an id of its own: nothing was quarantined.
    feed = json.loads((mirror.public / "members" / "feed.json").read_text())
    assert len({item["id"] for item in feed["items"]}) == len(feed["items"]) >= len(_echoes())
    assert feed["_feedmirror"]["source"]["url"] == mirror.origin.url("/private/")
    assert "redacted-" in feed["title"]
    for command in (
        ["run"],
        ["run", "--json"],
        ["status"],
        ["status", "--json"],
        ["rebuild", "members"],
    ):
        assert mirror.command(*command) == 0
    _require_no_secret(mirror)


@pytest.mark.slow
@pytest.mark.row("O4")
def test_no_secret_is_in_what_is_said_of_a_feed_that_fails_moves_or_is_gone(mirror):
    origin = mirror.origin
    origin.serve(FEED, _rss(), etag='"1"')
    assert mirror.command("run", "--json") == 0
    echo = " ".join(_echoes())
    page = f"<html>{_markup(_echoes())}{echo}</html>".encode()
    faults = (
        lambda: origin.answer(FEED, 500, body=page),
        lambda: origin.answer(FEED, 401, [("WWW-Authenticate", echo)], page),
        lambda: origin.serve(FEED, page, content_type="text/html"),
        lambda: origin.redirect(FEED, FEED, 302),
        lambda: origin.redirect(FEED, f"https://pilot:{TOKEN}@gazette.example.org/{PATH_KEY}", 302),
        lambda: origin.redirect(FEED, f"gopher://gazette.example.org/{'x' * 140}/{PATH_KEY}", 302),
        lambda: origin.redirect(FEED, f"http://[{TOKEN}/{BEARER}", 302),
        lambda: origin.serve(FEED, b"<rss><channel><item>" + echo.encode()),
        lambda: origin.answer(FEED, 410),
    )
    for fault in faults:
        fault()
        for command in (["run", "--json", "--verbose"], ["status"], ["status", "--json"]):
            assert mirror.command(*command) == 1
    _require_no_secret(mirror)
    assert mirror.said.count('"outcome": "failed"') >= len(faults)


@pytest.mark.slow
@pytest.mark.row("O4")
def test_no_secret_of_an_alternate_or_of_a_redirect_is_told(mirror):
    origin = mirror.origin
    origin.answer(FEED, 503)
    origin.serve(OTHER, _rss(), etag='"1"')
    assert mirror.command("run", "--json") == 0
    assert "read from" in mirror.said
    _require_no_secret(mirror)
    origin.redirect(FEED, LED_TO, 301)
    origin.serve(LED_TO, _rss(REDIRECT_KEY, begin=100), etag='"2"')
    for _ in range(4):  # until it counts as moved for good
        assert mirror.command("run", "--json", "--verbose") == 0, mirror.said
    for command in (["status"], ["status", "--json"], ["rebuild", "members"]):
        assert mirror.command(*command) == 0
    assert "moved for good to" in mirror.said
    _require_no_secret(mirror)


@pytest.mark.slow
@pytest.mark.row("O4")
def test_no_line_of_the_function_and_nothing_it_publishes_holds_a_secret(capsys):
    stage = Stage(slugs=("members",))
    url = f"https://quay.example.org{FEED}"
    headers = {"Authorization": f"Bearer {BEARER}", "Cookie": f"theme=light; sid={COOKIE}"}
    other = f"https://quay.example.net{OTHER}"
    stage.feeds["members"] = Subscription("members", url, (other,), headers=headers)
    echo = " ".join(_echoes())
    answers = (
        _rss(),
        FetchError(Kind.SERVER, f"{url} and {other} answer HTTP 500: {echo}", status=500),
        _raising(RuntimeError(f"{url}: {echo}")),
        _rss(begin=100),
    )
    said = ""
    for answer in answers:
        stage.origin.answers = {url: answer, other: FetchError(Kind.RESET, f"{other} {BEARER}")}
        said += str(stage.invoke({}))
        stage.now += timedelta(hours=2)
    outcomes = [extra["outcome"] for extra in stage.logged("feed refreshed")]
    assert outcomes == ["changed", "failed", "failed", "changed"]
    _require_none("a line", said + str(stage.log.events) + "".join(capsys.readouterr()))
    for name, body in stage.store.objects.items():
        _require_none("a name", name)
        if name.startswith("public/"):
            _require_none(name, body.decode())


def _raising(error: Exception) -> Callable[[], bytes]:
    def answer() -> bytes:
        raise error

    return answer


@pytest.mark.slow
def test_the_key_of_a_store_is_made_once_and_private(mirror, tmp_path):
    mirror.origin.serve(FEED, _rss(), etag='"1"')
    mirror.command("run")
    key = tmp_path / "mirror" / REDACTION_KEY
    made = key.read_bytes()
    assert len(made) == 32
    mirror.origin.serve(FEED, _rss(begin=100), etag='"2"')
    mirror.command("run")
    assert key.read_bytes() == made
