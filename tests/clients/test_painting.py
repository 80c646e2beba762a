"""Content of an origin is not painted over the mirror's own words, nor over other feeds.

Letters may reach far beyond their line: diacritics can be stacked, and fonts have glyphs of any
height. Screenshots of a browser show which elements such a letter covers.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Sequence

import pytest

from browser import addresses_below
from builders import entry, rss_document
from node_tools import NODE
from readers import ServedMirror, served_mirror

pytestmark = pytest.mark.slow

_TIMEOUT_S = 180
BELOW, ABOVE = "\u0316\u0330\u0323\u0332" * 60, "\u0300\u0303\u0307\u0304" * 60
STACK = f"W{BELOW}{ABOVE}" * 12
# How far ink reaches depends on the machine's fonts; shadows stand in for ink in all of them.
FAR = ", ".join(f"0 {sign}{distance}px red" for distance in range(12, 160, 8) for sign in ("", "-"))
INK = f"""
  bdi, h1, h3, li[dir], .excerpt, .lead, .body > :not(.feedmirror-disclaimer) {{
    text-shadow: {FAR};
  }}
"""
UNCLIPPED = """
  body * { overflow: visible !important; isolation: auto !important; position: static !important; }
"""
WIDE = "W" * 900
BODIES = (
    f"<p>{STACK}</p><p>{'<sup>' * 40}{STACK}</p><p>{'<sub>' * 40}{STACK}<p>{'<big>' * 6}{STACK}",
    f"<pre>{WIDE}</pre><table><tr><td>{WIDE}</table><p>{WIDE}</p><ul><li>{STACK}</ul>",
)
ENTRIES = [
    entry(
        number,
        title=STACK,
        author=STACK,
        content=f"{body}<p>words</p>{body}",
        categories=[STACK],
        enclosures=[(f"https://files.example.org/{STACK}.mp3", 9, "audio/mpeg")],
    )
    for number, body in enumerate(BODIES)
]
SAID = (".feedmirror-disclaimer", ".provenance", ".standing", ".original", ".site", ".entry")

Covered = set[tuple[str, str]]  # the kind of a page, and the class of what is covered on it


@pytest.fixture(scope="module", params=["end", "beginning"])
def mirror(
    chromium: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServedMirror]:
    position = {"disclaimer.position": request.param}
    with served_mirror(tmp_path_factory.mktemp("painting"), **position) as served:
        served.origin_says("loud", rss_document(ENTRIES, title=STACK, description=STACK))
        for slug in ("calm", "silent"):
            served.origin_says(slug, rss_document([entry(1)], title=slug))
        served.refresh()
        yield served


def _kind(address: str) -> str:
    return "entry" if "/entries/" in address else "feed" if address.count("/") > 3 else "index"


def _covered(chromium: str, mirror: ServedMirror, style: str) -> Covered:
    """Return what `tests/node/cover.mjs` finds covered on the feed's pages and on the index."""
    pages = addresses_below(mirror.folder, mirror.server.base)
    chosen = [page for page in pages if "/loud/" in page or _kind(page) == "index"]
    task = {
        "browser": chromium,
        "pages": [(page, SAID) for page in chosen],
        "style": style,
    }
    done = subprocess.run(
        ["node", NODE / "cover.mjs"],
        input=json.dumps(task),
        capture_output=True,
        text=True,
        check=False,
        timeout=_TIMEOUT_S,
    )
    assert done.returncode == 0, done.stderr
    seen: Sequence[tuple[str, str, bool]] = json.loads(done.stdout)
    assert {_kind(page) for page, *_ in seen} == {"entry", "feed", "index"}
    return {(_kind(page), f".{name}") for page, name, is_covered in seen if is_covered}


@pytest.mark.row("R3")
def test_content_of_an_origin_does_not_cover_the_mirrors_words(
    chromium: str, mirror: ServedMirror
) -> None:
    assert _covered(chromium, mirror, INK) == set()


@pytest.mark.parametrize("mirror", ["end"], indirect=True)
def test_without_clipping_content_of_an_origin_covers_the_mirrors_words(
    chromium: str, mirror: ServedMirror
) -> None:
    assert _covered(chromium, mirror, INK + UNCLIPPED) >= {
        ("entry", ".feedmirror-disclaimer"),
        ("entry", ".provenance"),
        ("feed", ".feedmirror-disclaimer"),
        ("feed", ".entry"),
        ("index", ".entry"),
    }
