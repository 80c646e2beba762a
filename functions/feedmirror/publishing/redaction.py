"""What of a subscription readers may see, and the model without its secrets.

A secret is replaced by a digest of it, keyed with a key of the store: ids that differ in nothing
else stay different, and nobody can find the secret by trying.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, fields, is_dataclass, replace
from hashlib import blake2b
from typing import Any, TypeVar

from feedmirror.model import Disclaimer, Images, ParsedFeed, Revision, Robots, Subscription
from feedmirror.text.secrets import Secrets, secrets_of, shown_address, shown_url

T = TypeVar("T")

# Never public, or digests of what has been redacted before.
_LEFT = frozenset({"original", "context", "key", "digest", "fingerprint"})


# What stands in place of a secret.
MARK = re.compile(r"redacted-[0-9a-f]{16}")


def no_key() -> bytes:
    """The key of a subscription that has no secrets. Raises: LookupError."""
    raise LookupError("there is nothing to replace")


@dataclass(frozen=True, slots=True)
class Redaction:
    """Replaces the secrets of a subscription; costs nothing where there are none."""

    secrets: Secrets = Secrets()  # noqa: RUF009 - immutable
    key: Callable[[], bytes] = no_key  # called only if there is something to replace

    def text(self, text: str) -> str:
        """The text, its secrets replaced."""
        return self.secrets.replaced(text, self._marked)

    def _marked(self, spelt: str) -> str:
        said = spelt.encode("utf-8", "surrogatepass")
        return f"redacted-{blake2b(said, key=self.key(), digest_size=8).hexdigest()}"

    def value(self, value: T) -> T:
        """A value of the model with the secrets in all of its texts replaced; of the address that a
        revision came from, also what was one once.
        """
        if self.secrets:
            cleared: T = self._cleared(value)
            return cleared
        if isinstance(value, Revision):
            shown = shown_address(value.fetched_from, self.secrets)
            return value if shown == value.fetched_from else replace(value, fetched_from=shown)
        return value

    def parsed(self, parsed: ParsedFeed) -> ParsedFeed:
        """A document as it was parsed, likewise: so that identities, too, are derived from what
        readers see. The original elements keep what they had; they are never public.
        """
        if not self.secrets:
            return parsed
        entries = {index: self._cleared(entry) for index, entry in parsed.entries.items()}
        return replace(
            parsed,
            feed=self._cleared(parsed.feed),
            items=self._cleared(parsed.items),
            entries=entries,
        )

    def _cleared(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, tuple):
            return tuple(map(self._cleared, value))
        if not is_dataclass(value) or isinstance(value, type):
            return value
        changes = {}
        for name in (f.name for f in fields(value) if f.name not in _LEFT):
            held = getattr(value, name)
            made = (
                shown_address(held, self.secrets) if name == "fetched_from" else self._cleared(held)
            )
            if made != held:
                changes[name] = made
        return replace(value, **changes) if changes else value


@dataclass(frozen=True, slots=True)
class PublicSettings:
    """What renderers know of a subscription. It has no `url`, so none can be rendered."""

    slug: str
    source_url: str  # the address of the feed that readers are shown
    title: str | None
    disclaimer: Disclaimer
    every_s: int
    images: Images
    robots: Robots
    retired: bool
    redaction: Redaction = field(repr=False)


def public_settings(
    subscription: Subscription, key: Callable[[], bytes] = no_key
) -> PublicSettings:
    """The settings for renderers; `key` gives the key of the store that digests are made with."""
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


_OWN = "{source_title}"


def worded(configured: str | None, own: str) -> str:
    """Return what the mirror is called: `configured`, with the origin's own title for
    `{source_title}` in it, else the origin's own. "" if neither says anything.
    """
    return configured.replace(_OWN, own).strip() if configured else own


def of_source(configured: str | None, own: str) -> str:
    """Return what the source is called: as configured, unless that is made from its own title."""
    return configured if configured and _OWN not in configured else own
