"""What the operator configured, typed: the only way from feeds.toml to subscriptions.

A text is read by a table of keys (`keys`), each of a kind that knows its limits (`values`,
`addresses`, `disclaimer`). Nothing stops at the first problem: they are collected (`report`),
put on their lines (`locate`), and raised together.
"""

from feedmirror.settings.disclaimer import DISCLAIMER_KEYS, VARIABLES
from feedmirror.settings.load import Settings, load_settings, parse_settings, subscription_for
from feedmirror.settings.schema import DEFAULT_KEYS, FEED_KEYS, TOP_KEYS
from feedmirror.settings.slugs import RESERVED_SLUGS, slug_of
from feedmirror.settings.tables import Key
from feedmirror.settings.template import template_toml

__all__ = [
    "DEFAULT_KEYS",
    "DISCLAIMER_KEYS",
    "FEED_KEYS",
    "RESERVED_SLUGS",
    "TOP_KEYS",
    "VARIABLES",
    "Key",
    "Settings",
    "load_settings",
    "parse_settings",
    "slug_of",
    "subscription_for",
    "template_toml",
]
