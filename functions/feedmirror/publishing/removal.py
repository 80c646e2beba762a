"""Notice that stands in place of an entry that was taken down."""

from __future__ import annotations

from msgspec.structs import replace

from feedmirror.model import Reason, Revision

_TITLE = "Removed"
_GROUNDS = {
    Reason.PRIVACY: "to protect the privacy of a person",
    Reason.COURT: "by order of a court",
    Reason.COPYRIGHT: "after a complaint about copyright",
    Reason.ERROR: "since it was published in error",
}


def with_notice(revision: Revision) -> Revision:
    """Return the revision as readers are shown it: where it was taken down, with a notice in place
    of its words.
    """
    removal = revision.removal
    if removal is None:
        return revision
    notice = (
        f"<p>This entry was removed from the mirror on {removal.at:%Y-%m-%d} "
        f"{_GROUNDS[removal.reason]}.</p>"
    )
    entry = replace(revision.entry, title=_TITLE, summary=notice, updated=removal.at, language="en")
    return replace(revision, entry=entry)
