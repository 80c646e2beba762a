"""Bodies: whatever comes in, what comes out runs nothing, is closed, and stays itself."""

from __future__ import annotations

from feedmirror.text.sanitize import clean, to_text
from fuzz.inputs import URL, text
from fuzz.judges import require, require_closed, require_inert, require_text

SEEDS = ("html",)


def check(data: bytes) -> None:
    """A cleaned body is inert, and cleaning it again changes nothing."""
    made = clean(text(data), URL, f"{URL}#page")
    require_inert(made, "the body")
    require_closed(made, "the body")
    if "xn--" not in made:  # of hosts beyond ASCII, the sanitiser knows more that there cannot be
        require(clean(made, URL, f"{URL}#page") == made, "cleaning it again changes it")
    words = to_text(text(data))
    require_text(words, "the words")
    require("\n" not in words, "the words are on several lines")
