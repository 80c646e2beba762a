"""Secret values of a subscription: which they are, and where they stand in a text.

Secret are, in what the operator configures and in the address that a document came from:

- user names and passwords in addresses;
- values of the configured headers, but for those of `_PUBLIC_HEADERS`;
- values of the query parameters in `_SECRET_PARAMETERS`;
- in `url` and `alternates` only: any other query value, and any path segment, that looks like a
  key (`looks_secret`), but for values of the parameters in `_PUBLIC_PARAMETERS`.

What stands in `source_url` is public. What the origin's own links carry (a signed enclosure, say)
is the origin's to publish.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from urllib.parse import unquote, urlsplit, urlunsplit

from feedmirror.model import Subscription

# A shorter value may be part of any word, so it is only taken out of addresses.
MIN_CHARS = 6

# Names in lower case, with `_` for `-`.
_SECRET_PARAMETERS = frozenset(
    "access_key access_token accesskey api_key api_token apikey apitoken auth auth_key auth_token "
    "authkey authorization authtoken client_secret credential credentials feed_key feed_token "
    "hmac jwt key pass passwd password private_key private_token pwd rss_key rss_token secret "
    "session session_id sessionid sid sig sign signature token user_key user_token "
    "x_amz_credential x_amz_security_token x_amz_signature x_goog_credential "
    "x_goog_signature".split()
)
# Ids that are long and look like keys, though anybody may know them.
_PUBLIC_PARAMETERS = frozenset("channel channel_id list playlist playlist_id show_id".split())
# Headers that only say what is wanted, or where somebody came from; names in lower case.
_PUBLIC_HEADERS = frozenset(
    "a-im accept accept-charset accept-language cache-control dnt from origin pragma prefer "
    "priority referer save-data upgrade-insecure-requests x-requested-with".split()
)

# What every document says whatever is secret: nothing of it can be one.
_EVERYWHERE = (
    "feedmirror generator generation version source summary description content language category "
    "categories published updated author authors title https://jsonfeed.org/version/1.1 "
    "http://www.w3.org/2005/Atom application/atom+xml application/rss+xml application/feed+json"
).replace("+", " ")

_LONG_CHARS = 20  # of a value that looks like a key
_MIXED_CHARS = 12  # of them, in parts that hold both letters and digits
_PART = re.compile(r"[^\W_]+")
_PAIR = re.compile(r'[\w.-]+="?([^\s;,"]+)')  # of a cookie, or of credentials
_SEPARATOR = re.compile("[&;]")

HIDDEN = "***"
_USERINFO = re.compile(r"(://)[^\s/?#@]*@")
_NAMED = re.compile(
    rf"([?&;](?:{'|'.join(sorted(_SECRET_PARAMETERS)).replace('_', '[_-]?')})=)[^&;#\s\"'<>]+",
    re.IGNORECASE,
)

# One character in another spelling: percent-encoded, as a reference of HTML, or escaped in JSON.
# Bytes of other characters than ASCII's are decoded together.
_ESCAPED = re.compile(
    r"%[0-7][0-9A-Fa-f]|(?:%[89A-Fa-f][0-9A-Fa-f])+|&#?\w{1,8};|\\u([0-9A-Fa-f]{4})|\\",
    re.ASCII,
)
_MARKS = re.compile(r"[%&\\+]")  # without which a text has one spelling only
_ROUNDS = 4  # how deep spellings may be nested: HTML in XML in JSON, say


def looks_secret(value: str) -> bool:
    """True if the value looks like a key or a token, as UUIDs, hex and base64 do: long, and its
    parts mix letters and digits. Words and dates that hyphens join do not.
    """
    if len(value) < _LONG_CHARS:
        return False
    mixed = (
        len(part) for part in _PART.findall(value) if not part.isalpha() and not part.isdecimal()
    )
    return sum(mixed) >= _MIXED_CHARS


# ---------------------------------------------------------------- what is secret


class Secrets:
    """The secret values of one subscription, for looking in texts. Never prints them."""

    __slots__ = ("_public", "_values")

    def __init__(self, values: Iterable[str] = (), public: str | None = None) -> None:
        """`public` is a text in which nothing is secret."""
        self._public = _plain(public or "")
        spellings = {spelt for value in values for spelt in (value, _plain(value))}
        kept = (v for v in spellings if len(v) >= MIN_CHARS and not self.is_public(v))
        # The longest first, so that none hides a longer one; then in one order for all runs.
        self._values = tuple(sorted(kept, key=lambda value: (-len(value), value)))

    def __bool__(self) -> bool:
        return bool(self._values)

    def is_public(self, value: str) -> bool:
        """True if the operator shows the value to readers, in `source_url`, or every document."""
        plain = _plain(value)
        return bool(plain) and (plain in self._public or plain in _EVERYWHERE)

    def including(self, url: str) -> Secrets:
        """With what would be secret in an address, were it configured."""
        more = tuple(_in_address(url, configured=True))
        return Secrets((*self._values, *more), self._public) if more else self

    def found_in(self, text: str) -> bool:
        """True if one of the values stands in the text, in whatever spelling."""
        if any(value in text for value in self._values):
            return True
        if not self._values or not _MARKS.search(text):
            return False
        plain = _plain(text)
        return any(value in plain for value in self._values)

    def replaced(self, text: str, by: Callable[[str], str]) -> str:
        """The text with `by(spelling)` for each place where one of the values stands."""
        if not self.found_in(text):
            return text
        text = self._pattern().sub(lambda match: by(match[0]), text)
        plain, layers = _unfolded(text)
        pieces: list[str] = []
        position = 0
        for match in self._pattern().finditer(plain):
            start, end = match.span()
            for layer in reversed(layers):
                start, end = _origin(layer, start, end)
            if start >= position:
                pieces += text[position:start], by(text[start:end])
                position = end
        return "".join((*pieces, text[position:]))

    def _pattern(self) -> re.Pattern[str]:
        return re.compile("|".join(map(re.escape, self._values)))


def secrets_of(subscription: Subscription, *fetched: str) -> Secrets:
    """The secrets of a subscription, and of the addresses its documents were `fetched` from."""
    configured = (subscription.url, *subscription.alternates)
    values = [
        *(value for url in configured for value in _in_address(url, configured=True)),
        *(value for url in fetched if url not in configured for value in _in_address(url)),
        *_in_headers(subscription.headers),
    ]
    return Secrets(values, subscription.source_url)


def _in_address(url: str, *, configured: bool = False) -> Iterator[str]:
    """The values in an address that are secret; in a configured one, also what looks so."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return
    if parts.scheme == "file":  # of the operator's machine: public as far as it is shown
        return
    yield from _in_userinfo(parts.netloc.rpartition("@")[0])
    for name, value in _parameters(parts.query):
        if _is_secret_name(name) or (configured and _looks_secret(name, value)):
            yield value
    if configured:
        segments = (each for each in parts.path.split("/") if len(each) >= _LONG_CHARS)
        yield from (each for each in segments if looks_secret(unquote(each)))


def _in_userinfo(userinfo: str) -> Iterator[str]:
    if userinfo:
        yield userinfo
        yield userinfo.partition(":")[2] or userinfo.rstrip(":")


def _parameters(query: str) -> Iterator[tuple[str, str]]:
    """Names and values, as they are spelt; what has no name is a value."""
    for piece in filter(None, _SEPARATOR.split(query)):
        name, equals, value = piece.partition("=")
        # Base64 may end in the sign that else follows a name.
        yield (name, value) if equals and value.strip("=") else ("", piece)


def _is_secret_name(name: str) -> bool:
    return _folded(name) in _SECRET_PARAMETERS


def _looks_secret(name: str, value: str) -> bool:
    return _folded(name) not in _PUBLIC_PARAMETERS and looks_secret(unquote(value))


def _folded(name: str) -> str:
    return unquote(name).lower().replace("-", "_")


def _in_headers(headers: Mapping[str, str]) -> Iterator[str]:
    for name, value in headers.items():
        if name.lower() in _PUBLIC_HEADERS:
            continue
        if value.startswith(("http://", "https://", "mailto:")):  # of the mirror itself, mostly
            yield from _in_address(value, configured=True)
            continue
        scheme, _, credentials = value.partition(" ")
        yield from (value, credentials.strip())
        # Of cookies and credentials with names; words among them (`theme=classic`) are none.
        yield from (each for each in _PAIR.findall(value) if not each.isalpha())
        if scheme.lower() == "basic":
            yield from _in_userinfo(_basic(credentials))


def _basic(credentials: str) -> str:
    """User name and password as `Basic` credentials carry them. Source: RFC 7617 §2."""
    from base64 import b64decode  # noqa: PLC0415 - for few feeds

    try:
        return b64decode(credentials).decode()
    except ValueError:
        return ""


# ---------------------------------------------------------------- what may be shown


def shown_url(subscription: Subscription, secrets: Secrets) -> str:
    """The address of the feed that readers are shown."""
    return subscription.source_url or shown_address(subscription.url, secrets)


def shown_address(url: str, secrets: Secrets) -> str:
    """The address without what is secret in it, or would be were it configured, as it may have been
    once. User name, password and secret parameters are left out; what follows a secret segment of
    the path, too, since it leads nowhere without it.
    """
    secrets = secrets.including(url)
    if not secrets and "?" not in url and "@" not in url:  # as are nearly all
        return url
    try:
        parts = urlsplit(url)
    except ValueError:
        return secrets.replaced(url, lambda _: HIDDEN)
    host = parts.netloc.rpartition("@")[2]
    path, query, fragment = parts.path, parts.query, parts.fragment
    segments = path.split("/")
    secret = next((i for i, each in enumerate(segments) if secrets.found_in(each)), None)
    if secret is not None:
        path, query, fragment = "/".join((*segments[:secret], "")), "", ""
    kept = "&".join(piece for piece in query.split("&") if not _is_secret(piece, secrets))
    if (host, path, kept) == (parts.netloc, parts.path, parts.query):
        return url
    return urlunsplit((parts.scheme, host, path, kept, fragment))


def _is_secret(query: str, secrets: Secrets) -> bool:
    return secrets.found_in(query) or any(
        _is_secret_name(name) and not secrets.is_public(value) for name, value in _parameters(query)
    )


def unguessable_address(url: str) -> str:
    """The address without secrets that somebody could find by trying, for digests that are public:
    only what looks like a key stays.
    """
    values = tuple(_in_address(url, configured=True))
    keys = "\n".join(value for value in values if looks_secret(unquote(value)))
    return shown_address(url, Secrets(values, public=keys))


def hidden(text: str, secrets: Secrets) -> str:
    """The text, for a log or a terminal: without the secrets, and without user names, passwords
    and values of secret parameters in addresses of whatever host.
    """
    text = _USERINFO.sub(rf"\1{HIDDEN}@", secrets.replaced(text, lambda _: HIDDEN))
    return _NAMED.sub(rf"\1{HIDDEN}", text)


def hidden_address(url: str) -> str:
    """The address as `hidden`, without anything that would be secret were it configured."""
    return hidden(url, Secrets(_in_address(url, configured=True)))


# ---------------------------------------------------------------- spellings

# What was decoded in a round: where the result begins and ends, and where its spelling did.
_Layer = list[tuple[int, int, int, int]]


def _plain(text: str) -> str:
    """The text with every character spelt as itself, a space for a plus sign, no backslashes."""
    for _ in range(_ROUNDS if _MARKS.search(text) else 0):
        decoded = _ESCAPED.sub(_decoded, text)
        if decoded == text:
            break
        text = decoded
    return text.replace("+", " ")


def _decoded(match: re.Match[str]) -> str:
    spelt = match[0]
    if spelt[0] == "%":
        # Bytes that are no UTF-8 stay apart, as a key that is any bytes may hold them.
        return bytes.fromhex(spelt.replace("%", "")).decode("utf-8", "surrogateescape")
    if spelt[0] == "&":
        from html import unescape  # noqa: PLC0415 - for few feeds; it brings a long table

        return unescape(spelt)
    return chr(int(match[1], 16)) if match[1] else ""  # a backslash means what follows it


def _unfolded(text: str) -> tuple[str, list[_Layer]]:
    """As `_plain`, with what was decoded in each round."""
    layers: list[_Layer] = []
    for _ in range(_ROUNDS):
        layer: _Layer = []
        pieces: list[str] = []
        position = length = 0
        for match in _ESCAPED.finditer(text):
            decoded = _decoded(match)
            begin = length + match.start() - position
            length = begin + len(decoded)
            layer.append((begin, length, match.start(), match.end()))
            pieces += text[position : match.start()], decoded
            position = match.end()
        if not layer:
            break
        text = "".join((*pieces, text[position:]))
        layers.append(layer)
    return text.replace("+", " "), layers


def _origin(layer: _Layer, start: int, end: int) -> tuple[int, int]:
    """Where a range of the decoded text was before that round; whole spellings."""
    return _position(layer, start)[0], _position(layer, end - 1)[1]


def _position(layer: _Layer, index: int) -> tuple[int, int]:
    """Where the character at `index` was: from, to."""
    at = bisect_right(layer, index, key=lambda each: each[0]) - 1
    if at < 0:
        return index, index + 1
    _, length, start, end = layer[at]
    if index < length:
        return start, end
    return end + index - length, end + index - length + 1
