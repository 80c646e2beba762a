"""Notice that stands in place of an entry that was taken down."""

from __future__ import annotations

from msgspec.structs import replace

from feedmirror.model import Reason, Removal, Revision

_TITLE = "Removed"
GROUNDS = {
    Reason.PRIVACY.value: "to protect the privacy of a person",
    Reason.COURT.value: "by order of a court",
    Reason.COPYRIGHT.value: "after a complaint about copyright",
    Reason.ERROR.value: "since it was published in error",
}


def notice(removal: Removal) -> str:
    """Return the sentence that readers are told, as plain text."""
    date, ground = f"{removal.at:%Y-%m-%d}", GROUNDS[removal.reason.value]
    return f"This entry was removed from the mirror on {date} {ground}."


def with_notice(revision: Revision) -> Revision:
    """Return the revision as readers are shown it: where it was taken down, with a notice in place
    of its words.
    """
    removal = revision.removal
    if removal is None:
        return revision
    words = f"<p>{notice(removal)}</p>"
    entry = replace(revision.entry, title=_TITLE, summary=words, updated=removal.at, language="en")
    return replace(revision, entry=entry)
