"""Redaction: settings that renderers may read, and models with their secrets replaced.

A secret is replaced by a digest of it, keyed with a key of the store: ids that differ only in a
secret stay different, and the secret cannot be found by guessing.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from hashlib import blake2b
from typing import Any, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from feedmirror.model import Disclaimer, Images, ParsedFeed, Revision, Robots, Subscription
from feedmirror.text.secrets import Secrets, secrets_of, shown_address, shown_url

_T = TypeVar("_T")

# Fields that are never public, or are digests of redacted text.
_NOT_REDACTED = frozenset({"original", "context", "key", "digest", "fingerprint"})

# The replacement of a secret.
MARK = re.compile(r"redacted-[0-9a-f]{16}")


def no_key() -> bytes:
    """Stand in for the key of a subscription without secrets. Raises: LookupError."""
    raise LookupError("no key is needed: the subscription has no secrets")


class Redaction(Struct, frozen=True):
    """Replacement of the secrets of a subscription. Returns its input if there are none."""

    secrets: Secrets = Secrets()
    key: Callable[[], bytes] = no_key  # called only if there is something to replace

    def __repr__(self) -> str:
        """Return a text that differs where secrets do, since render keys are digests of it."""
        return f"Redaction({self.secrets.digest})"

    def text(self, text: str) -> str:
        """Return the text, its secrets replaced."""
        return self.secrets.replaced(text, self._marked)

    def _marked(self, secret: str) -> str:
        encoded = secret.encode("utf-8", "surrogatepass")
        return f"redacted-{blake2b(encoded, key=self.key(), digest_size=8).hexdigest()}"

    def value(self, value: _T) -> _T:
        """Return a value of the model with the secrets in all of its texts replaced.

        The address that a revision was fetched from is also rid of parameters that look secret:
        they may have been secrets of an earlier configuration.
        """
        if self.secrets:
            redacted: _T = self._redacted(value)
            return redacted
        if isinstance(value, Revision):
            shown = shown_address(value.fetched_from, self.secrets)
            return value if shown == value.fetched_from else replace(value, fetched_from=shown)
        return value

    def parsed(self, parsed: ParsedFeed) -> ParsedFeed:
        """Return the parsed document with its secrets replaced, so that identities too are derived
        from public text. Original elements, which are never public, keep theirs.
        """
        if not self.secrets:
            return parsed
        entries = {index: self._redacted(entry) for index, entry in parsed.entries.items()}
        return replace(
            parsed,
            feed=self._redacted(parsed.feed),
            items=self._redacted(parsed.items),
            entries=entries,
        )

    def _redacted(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, tuple):
            return tuple(map(self._redacted, value))
        if not isinstance(value, Struct):
            return value
        changes = {}
        for name in (name for name in value.__struct_fields__ if name not in _NOT_REDACTED):
            old = getattr(value, name)
            if name == "fetched_from":
                new = shown_address(old, self.secrets)
            else:
                new = self._redacted(old)
            if new != old:
                changes[name] = new
        return replace(value, **changes) if changes else value


class PublicSettings(Struct, frozen=True):
    """Settings of a subscription that renderers may read. Has no `url`: it may hold secrets."""

    slug: str
    source_url: str  # the address of the feed that readers are shown
    title: str | None
    disclaimer: Disclaimer
    every_s: int
    images: Images
    robots: Robots
    retired: bool
    redaction: Redaction

    def of_pages(self) -> PublicSettings:
        """Return as much of it as the pages of entries and of the archive are rendered from."""
        return replace(self, every_s=0, retired=False)


def public_settings(
    subscription: Subscription, key: Callable[[], bytes] = no_key
) -> PublicSettings:
    """Return the settings for renderers. `key` returns the store's key for digests of secrets."""
    secrets = secrets_of(subscription)
    return PublicSettings(
        subscription.slug,
        shown_url(subscription, secrets),
        subscription.title,
        subscription.disclaimer,
        subscription.every_s,
        subscription.images,
        subscription.robots,
        subscription.retired,
        Redaction(secrets, key),
    )


_SOURCE_TITLE = "{source_title}"


def mirror_title(configured: str | None, own: str) -> str:
    """Return the title of the mirror: `configured`, in which `{source_title}` is replaced by the
    origin's `own` title, or else `own`. "" if both are empty.
    """
    return configured.replace(_SOURCE_TITLE, own).strip() if configured else own


def source_title(configured: str | None, own: str) -> str:
    """Return the title of the source: `configured`, or the origin's `own` title if `configured` is
    empty or contains `{source_title}`.
    """
    return configured if configured and _SOURCE_TITLE not in configured else own
