"""Secret values of a subscription: find them in its settings, and hide them in texts.

These values are secret, in the settings of a feed and in the address of its document:

- user names and passwords in addresses;
- values of the configured headers, but for those of `_PUBLIC_HEADERS`;
- values of the query parameters in `_SECRET_PARAMETERS`;
- in `url` and `alternates` only: any other query value, and any path segment, that looks like a
  key (`looks_secret`), but for values of the parameters in `_PUBLIC_PARAMETERS`.

Every value in `source_url` is public. Values in the origin's own links (of a signed enclosure, say)
are published as the origin publishes them.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from hashlib import blake2b
from urllib.parse import unquote, urlsplit, urlunsplit

from feedmirror.model import Subscription
from feedmirror.text.patterns import pattern

# Shorter values may be part of any word, so only addresses lose them.
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
# Parameters with public ids that look like keys.
_PUBLIC_PARAMETERS = frozenset("channel channel_id list playlist playlist_id show_id".split())
# Headers without credentials; names in lower case.
_PUBLIC_HEADERS = frozenset(
    "a-im accept accept-charset accept-language cache-control dnt from origin pragma prefer "
    "priority referer save-data upgrade-insecure-requests x-requested-with".split()
)

# Words that every document holds: a value that is part of them cannot be secret.
_EVERYWHERE = (
    "feedmirror generator generation version source summary description content language category "
    "categories published updated author authors title https://jsonfeed.org/version/1.1 "
    "http://www.w3.org/2005/Atom application/atom+xml application/rss+xml application/feed+json"
).replace("+", " ")

_LONG_CHARS = 20  # of a value that looks like a key
_MIXED_CHARS = 12  # of them, in parts that hold both letters and digits
_PART = pattern(r"[^\W_]+")
_PAIR = pattern(r'[\w.-]+="?([^\s;,"]+)')  # name and value in a cookie or in credentials
_SEPARATOR = pattern("[&;]")

HIDDEN = "***"
_USERINFO = pattern(r"(://)[^\s/?#@]*@")
_NAMED = pattern(
    rf"([?&;](?:{'|'.join(sorted(_SECRET_PARAMETERS)).replace('_', '[_-]?')})=)[^&;#\s\"'<>]+",
    re.IGNORECASE,
)

# An encoded character: percent-encoded, as a reference of HTML, or escaped in JSON. The bytes of
# characters beyond ASCII are decoded together.
_ESCAPED = pattern(
    r"%[0-7][0-9A-Fa-f]|(?:%[89A-Fa-f][0-9A-Fa-f])+|&#?\w{1,8};|\\u([0-9A-Fa-f]{4})|\\",
    re.ASCII,
)
_MARKS = pattern(r"[%&\\+]")  # every encoded text holds one of these
_ROUNDS = 4  # depth of nested encodings: HTML in XML in JSON, say


def looks_secret(value: str) -> bool:
    """True if the value looks like a key or a token: long, and with parts of letters and digits.

    UUIDs, hex and base64 look like keys; words and dates joined by hyphens do not.
    """
    if len(value) < _LONG_CHARS:
        return False
    mixed = (
        len(part) for part in _PART.findall(value) if not part.isalpha() and not part.isdecimal()
    )
    return sum(mixed) >= _MIXED_CHARS


# ---------------------------------------------------------------- secret values


class Secrets:
    """The secret values of one subscription. Never shows them in its representation."""

    __slots__ = ("_public", "_values")

    def __init__(self, values: Iterable[str] = (), public: str | None = None) -> None:
        """Use `values` without those that are short or occur in the text `public`."""
        self._public = _plain(public or "")
        spellings = {spelt for value in values for spelt in (value, _plain(value))}
        kept = (v for v in spellings if len(v) >= MIN_CHARS and not self.is_public(v))
        # Longest first, so that a part of a value does not match first; then a stable order.
        self._values = tuple(sorted(kept, key=lambda value: (-len(value), value)))

    @property
    def digest(self) -> str:
        """Return a digest of the values, to tell whether they have changed."""
        values = "\n".join(self._values).encode("utf-8", "surrogatepass")
        return blake2b(values, digest_size=8).hexdigest()

    def __bool__(self) -> bool:
        return bool(self._values)

    def is_public(self, value: str) -> bool:
        """True if the value is in `source_url`, which readers see, or in every document."""
        plain = _plain(value)
        return bool(plain) and (plain in self._public or plain in _EVERYWHERE)

    def including(self, url: str) -> Secrets:
        """Return the secrets, with the values that would be secret if `url` were configured."""
        more = tuple(_in_address(url, configured=True))
        return Secrets((*self._values, *more), self._public) if more else self

    def found_in(self, text: str) -> bool:
        """True if the text holds one of the values, in any encoding."""
        if any(value in text for value in self._values):
            return True
        if not self._values or not _MARKS.search(text):
            return False
        plain = _plain(text)
        return any(value in plain for value in self._values)

    def replaced(self, text: str, by: Callable[[str], str]) -> str:
        """Replace each occurrence of a value in `text`, in any encoding, by `by(occurrence)`."""
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
    """Return the secrets of a subscription, and of the addresses of its `fetched` documents."""
    configured = (subscription.url, *subscription.alternates)
    values = [
        *(value for url in configured for value in _in_address(url, configured=True)),
        *(value for url in fetched if url not in configured for value in _in_address(url)),
        *_in_headers(subscription.headers),
    ]
    return Secrets(values, subscription.source_url)


def _in_address(url: str, *, configured: bool = False) -> Iterator[str]:
    """Yield the secret values in an address; if it is configured, values that look secret, too."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return
    if parts.scheme == "file":  # a path on the operator's machine, not an address of an origin
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
    """Yield the encoded names and values of a query; the name is "" for a value alone."""
    for piece in filter(None, _SEPARATOR.split(query)):
        name, equals, value = piece.partition("=")
        # Base64 may end in equals signs, which otherwise follow a name.
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
        if value.startswith(("http://", "https://", "mailto:")):  # of the mirror, mostly
            yield from _in_address(value, configured=True)
            continue
        scheme, _, credentials = value.partition(" ")
        yield from (value, credentials.strip())
        # Values of cookies and of named credentials; words (`theme=classic`) are not secret.
        yield from (each for each in _PAIR.findall(value) if not each.isalpha())
        if scheme.lower() == "basic":
            yield from _in_userinfo(_basic(credentials))


def _basic(credentials: str) -> str:
    """Return `user:password` from `Basic` credentials, "" if invalid. Source: RFC 7617 §2."""
    from base64 import b64decode  # noqa: PLC0415 - for few feeds

    try:
        return b64decode(credentials).decode()
    except ValueError:
        return ""


# ---------------------------------------------------------------- texts without secrets


def shown_url(subscription: Subscription, secrets: Secrets) -> str:
    """Return the address of the feed that readers see."""
    return subscription.source_url or shown_address(subscription.url, secrets)


def shown_address(url: str, secrets: Secrets) -> str:
    """Return the address without its secrets, and without those of a configured address.

    Leaves out user name, password and secret parameters; from a secret segment of the path on, the
    rest of the address, which would lead nowhere without the segment.
    """
    secrets = secrets.including(url)
    if not secrets and "?" not in url and "@" not in url:  # nearly all addresses
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
    """Return the address without secrets that could be guessed, to make public digests of.

    Keeps only the secrets that look like keys.
    """
    values = tuple(_in_address(url, configured=True))
    keys = "\n".join(value for value in values if looks_secret(unquote(value)))
    return shown_address(url, Secrets(values, public=keys))


def hidden(text: str, secrets: Secrets) -> str:
    """Return the text for a log or a terminal, with secrets replaced by `HIDDEN`.

    Also hides user names, passwords and secret parameters in the addresses of any host.
    """
    text = _USERINFO.sub(rf"\1{HIDDEN}@", secrets.replaced(text, lambda _: HIDDEN))
    return _NAMED.sub(rf"\1{HIDDEN}", text)


def hidden_address(url: str) -> str:
    """Return the address for a log or a terminal, without what is secret in a configured one."""
    return hidden(url, Secrets(_in_address(url, configured=True)))


# ---------------------------------------------------------------- encodings

# Replacements of a round of decoding: start and end of the result, start and end of the source.
_Layer = list[tuple[int, int, int, int]]


def _plain(text: str) -> str:
    """Decode all encodings in a text; a plus sign becomes a space, backslashes go."""
    for _ in range(_ROUNDS if _MARKS.search(text) else 0):
        decoded = _ESCAPED.sub(_decoded, text)
        if decoded == text:
            break
        text = decoded
    return text.replace("+", " ")


def _decoded(match: re.Match[str]) -> str:
    spelt = match[0]
    if spelt[0] == "%":
        # A key may be any bytes, so bytes that are not UTF-8 are kept apart.
        return bytes.fromhex(spelt.replace("%", "")).decode("utf-8", "surrogateescape")
    if spelt[0] == "&":
        from html import unescape  # noqa: PLC0415 - for few feeds; it brings a long table

        return unescape(spelt)
    return chr(int(match[1], 16)) if match[1] else ""  # a backslash escapes the next character


def _unfolded(text: str) -> tuple[str, list[_Layer]]:
    """Decode as `_plain` does; return the text, and the replacements of each round."""
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
    """Return the range before a round of decoding, given the range after the round."""
    return _position(layer, start)[0], _position(layer, end - 1)[1]


def _position(layer: _Layer, index: int) -> tuple[int, int]:
    """Return start and end, before a round of decoding, of the character at `index`."""
    at = bisect_right(layer, index, key=lambda each: each[0]) - 1
    if at < 0:
        return index, index + 1
    _, length, start, end = layer[at]
    if index < length:
        return start, end
    return end + index - length, end + index - length + 1
