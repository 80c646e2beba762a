"""The direction of a text, right to left or left to right."""

from __future__ import annotations

import re
from unicodedata import bidirectional

_FROM_THE_RIGHT = frozenset(
    "ar arc azb ckb dv fa glk he iw ji ks lrc mzn nqo pnb ps sd syr ug ur yi".split()
)
_LATIN = re.compile("[A-Za-z]")
_LOOKED_AT = 1_000  # characters of a text, to tell which way it runs


def direction(text: str, tag: str | None) -> str:
    """`rtl` or `ltr`: the way most letters run, whatever language is claimed. Without letters, the
    way of the language.

    Not `dir="auto"`, which goes by the first letter: an Urdu title may begin with a Latin name.
    """
    # One letter of Latin decides where there is nothing but ASCII, as nearly always.
    looked_at = "a" if text.isascii() and _LATIN.search(text) else text[:_LOOKED_AT]
    kinds = [bidirectional(letter) for letter in looked_at]
    right, left = sum(kind in {"R", "AL"} for kind in kinds), kinds.count("L")
    if right == left:
        return "rtl" if tag and tag.lower().partition("-")[0] in _FROM_THE_RIGHT else "ltr"
    return "rtl" if right > left else "ltr"
