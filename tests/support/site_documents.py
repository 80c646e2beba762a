"""The documents of the site."""

from __future__ import annotations

from feedmirror.publishing.pages.templates import STYLE

SITE = (STYLE, "404.html", "removed.html", "feeds.opml", "index.html", "status.json")  # in order
