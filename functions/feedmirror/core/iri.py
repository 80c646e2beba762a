"""Public ids for formats that want an IRI."""

from __future__ import annotations

import re
from functools import cache
from itertools import pairwise
from urllib.parse import urlsplit

from feedmirror.model import Revision

_WEB = frozenset({"http", "https", "ftp"})
EXECUTED = frozenset("javascript vbscript livescript data file blob about".split())
_UUID = r"urn:uuid:[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"
# Of the schemes that ids are made of, the whole of their own syntax. Source: RFC 8141 §2 (urn),
# RFC 9562 §4 (urn:uuid), RFC 4151 §2.1 (tag).
_OWN_SYNTAX = {
    "urn": rf"{_UUID}|urn:(?!uuid:)[a-z0-9][a-z0-9-]{{0,30}}[a-z0-9]:[^/?#].*",
    "tag": r"tag:(?:[\w.-]+@)?[a-z0-9.-]+,[0-9]{4}(?:-[0-9]{2}){0,2}:.*",
}


def iri_of(revision: Revision) -> str:
    """The public id: the guid wherever it is an IRI. What else a guid may be (a number, a word)
    gets one derived, the same in every format. Source: RFC 4287 §4.2.6.
    """
    return revision.guid if is_iri(revision.guid) else urn_of(revision.key)


def urn_of(key: str) -> str:
    """An id for an entry that has none. Source: RFC 9562 §5.8, version 8: a digest of our own."""
    value = (int(key, 16) & ~(0xF << 76) & ~(0x3 << 62)) | (8 << 76) | (2 << 62)
    digits = f"{value:032x}"
    return f"urn:uuid:{'-'.join(digits[a:b] for a, b in pairwise((0, 8, 12, 16, 20, 32)))}"


def is_iri(text: str) -> bool:
    """Whether `text` is a full IRI that names something and runs nothing: some readers take an id
    for a link. One with an address of IPv6 passes for none. Source: RFC 3987 §2.2.
    """
    scheme, colon, rest = text.partition(":")
    if not colon or not rest or _pattern("forbidden").search(text):
        return False
    if not _pattern("scheme").fullmatch(scheme):
        return False
    scheme = scheme.lower()
    if scheme in _WEB:
        return rest.startswith("//") and _has_host(text)
    own = scheme not in _OWN_SYNTAX or _pattern(scheme).fullmatch(text) is not None
    return own and scheme not in EXECUTED


def _has_host(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and (parts.port or 0) >= 0  # reading the port checks it
    except ValueError:
        return False


@cache
def _pattern(name: str) -> re.Pattern[str]:
    """Compiled when it is first needed: a poll that finds nothing new needs none of them."""
    letters = "\u00a0-\ud7ff\uf900-\ufdcf\ufdf0-\uffef\U00010000-\U000efffd"
    allowed = rf"!#$%&'()*+,\-./:;=?@A-Za-z0-9_~{letters}"
    patterns = {
        "forbidden": rf"[^{allowed}]|%(?![0-9A-Fa-f]{{2}})|#[^#]*#",
        "scheme": r"[A-Za-z][A-Za-z0-9+.-]*",
    }
    return re.compile((patterns | _OWN_SYNTAX)[name], re.IGNORECASE | re.ASCII)
