"""Pages of a feed: its newest entries, and its archive pages."""

from __future__ import annotations

from typing import Any

from feedmirror.model import Robots
from feedmirror.publishing.disclaimer import Disclaimed
from feedmirror.publishing.fields import title_of
from feedmirror.publishing.pages import phrases
from feedmirror.publishing.pages.body import notice_block
from feedmirror.publishing.pages.listing import line, sections, subscribables, years
from feedmirror.publishing.pages.phrases import direction
from feedmirror.publishing.pages.templates import filled, macro
from feedmirror.publishing.publication import Publication
from feedmirror.text.urls import is_web

_ENTRIES = "<!-- entries -->"  # where they belong; no value has it, since brackets are escaped


def feed_page(publication: Publication, *, has_entries: bool) -> tuple[str, str]:
    """Return the page of the newest entries in two parts, without the entries between them; with
    addresses to subscribe to and the archive.
    """
    failure = publication.failure
    page = filled(
        "feed.html",
        **_shared(publication, "../", ""),
        has_entries=has_entries,
        changed_at=publication.changed_at,
        failure=failure and phrases.failure(failure.group),
        since=failure and phrases.since(failure.since),
        retired=publication.settings.retired,
        years=list(years(publication.months)),
        older=_older(publication, "archive/"),
    )
    before, _, after = page.rpartition(_ENTRIES) if has_entries else (page, "", "")
    return before, after


def entry_line(disclaimed: Disclaimed, publication: Publication) -> str:
    """Return an entry as a line of the list on the feed's page."""
    return macro("entries.html", "item", line(disclaimed, publication), "")


def archive_page(publication: Publication) -> str:
    """Return an archive page, by month. Its region `newer` is empty until the next page exists."""
    months = sections(publication)
    return filled(
        "archive.html",
        **_shared(publication, "../../../", "../../"),
        sections=months,
        latest=max(
            (line.at for section in months for line in section.lines),
            default=publication.changed_at,
        ),
        older=_older(publication, "../"),
    )


def _shared(publication: Publication, root: str, here: str) -> dict[str, Any]:
    """Return the values of both templates. `root` is the relative address of the site, `here` of
    the feed.
    """
    feed, url = publication.feed, publication.settings.source_url
    title, description = title_of(publication), feed.description or ""
    lang = feed.language or ""
    site = feed.link or (url if is_web(url) else None)
    return {
        "root": root,
        "here": here or "./",
        "indexed": publication.settings.robots is Robots.INDEX,
        "feed_title": title,
        "description": "" if description.strip() == title else description,
        "lang": lang,
        "dir": direction(f"{title} {description}", lang),
        "site": site,
        "feeds": subscribables(publication),
        "notice": notice_block(publication.notice_html),
    }


def _older(publication: Publication, archive: str) -> str | None:
    page = publication.archive.older
    return f"{archive}{page}/" if page else None
