"""Host names: validate them, and convert international names to ASCII.

The only file that imports idna, and only for a name that needs it: the tables take long to load.
"""

from __future__ import annotations

import re

_NAME = re.compile(r"[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*\.?", re.IGNORECASE)
_MOST_NAME_CHARS = 253  # Source: RFC 1035 §2.3.4
# Source: WHATWG URL §3.1, "forbidden domain code point"
_FORBIDDEN = re.compile(r"[\x00-\x20\"#%/:<>?@\[\\\]^`{|}\x7f]")
_RIGHT_TO_LEFT = frozenset({"R", "AL", "AN"})
_JOINERS = "\u200c\u200d"


def is_host(text: str) -> bool:
    """True if `text` is a host that a request can name: a DNS name, or an IPv6 address in brackets.

    Underscores and hyphens may stand anywhere, as they do in names in use. An IPv4 address passes
    for a name. Does not check the address that a name leads to: the address guard does.
    """
    if text.startswith("["):
        return text.endswith("]") and _is_ipv6(text[1:-1])
    if len(text) > _MOST_NAME_CHARS or not _NAME.fullmatch(text):
        return False
    try:
        return bool(ascii_host(text))
    except ValueError:
        return False


def ascii_host(name: str) -> str:
    """Return the ASCII form of a host name, as browsers look the name up.

    `ß` stays a letter of its own; full stops and digits of other widths become the usual ones. A
    name in ASCII is returned unchanged. Raises: ValueError for an invalid name.
    Source: UTS #46 §4 (nontransitional), with the options of WHATWG URL §3.3, "domain to ASCII"
    """
    international = not name.isascii() or "xn--" in name.lower()
    ascii_name = _from_international(name) if international else name
    if not ascii_name or _FORBIDDEN.search(ascii_name):
        raise ValueError("not a valid host name")
    return ascii_name


def _from_international(name: str) -> str:
    if len(name) > _MOST_NAME_CHARS:  # first, since the conversion takes quadratic time
        raise ValueError("the host name is too long")
    from unicodedata import bidirectional  # noqa: PLC0415

    from idna import check_bidi, uts46_remap  # noqa: PLC0415 - loads tables, which few names need

    labels = [_decoded(label) for label in uts46_remap(name, std3_rules=False).split(".")]
    directions = {bidirectional(letter) for label in labels for letter in label}
    for label in filter(None, labels):
        if directions & _RIGHT_TO_LEFT:
            check_bidi(label, check_ltr=True)
        _check_joined(label)
    return ".".join(map(_encoded, labels))


def _decoded(label: str) -> str:
    """Return the label in Unicode. Raises: ValueError for an `xn--` label that is not valid."""
    from idna import uts46_remap  # noqa: PLC0415

    if not label.startswith("xn--"):
        return label
    decoded = label[4:].encode("ascii").decode("punycode")
    if _encoded(decoded) != label or uts46_remap(decoded, std3_rules=False) != decoded:
        raise ValueError(f"{label!r} is not a valid international label (Punycode)")
    return decoded


def _encoded(label: str) -> str:
    return label if label.isascii() else f"xn--{label.encode('punycode').decode('ascii')}"


def _check_joined(label: str) -> None:
    """Raise ValueError if the label begins with a combining mark, or has a joiner out of place."""
    from idna import check_initial_combiner, valid_contextj  # noqa: PLC0415

    check_initial_combiner(label)
    for position, letter in enumerate(label):
        if letter in _JOINERS and not valid_contextj(label, position):
            raise ValueError(f"{label!r} has a zero-width joiner where none may stand")


def _is_ipv6(text: str) -> bool:
    from ipaddress import IPv6Address  # noqa: PLC0415 - rarely needed

    try:
        return not IPv6Address(text).scope_id
    except ValueError:
        return False
