"""Parse and validate feeds.toml: text to `Subscription`s, or a list of all problems.

`load` reads the file by the keys in `schema`; each key has a kind with its limits (`values`,
`addresses`, `disclaimer`). Problems are collected (`problems`), located by line (`positions`) and
raised together as one ConfigError.
"""

from feedmirror.settings.disclaimer import DISCLAIMER_KEYS, DISCLAIMER_VARIABLES
from feedmirror.settings.load import Settings, load_settings, parse_settings, subscription_for
from feedmirror.settings.schema import DEFAULT_KEYS, FEED_KEYS, TOP_KEYS
from feedmirror.settings.slugs import RESERVED_SLUGS, slug_of
from feedmirror.settings.tables import Key
from feedmirror.settings.template import template_toml

__all__ = [
    "DEFAULT_KEYS",
    "DISCLAIMER_KEYS",
    "DISCLAIMER_VARIABLES",
    "FEED_KEYS",
    "RESERVED_SLUGS",
    "TOP_KEYS",
    "Key",
    "Settings",
    "load_settings",
    "parse_settings",
    "slug_of",
    "subscription_for",
    "template_toml",
]
