"""The cut: items lie one behind the other, and any of them can be left out."""

from __future__ import annotations

from feedmirror.errors import ParseError
from feedmirror.parsing.decode import decode, prepare_xml
from feedmirror.parsing.scan import CannotSplit
from feedmirror.parsing.split import SplitPlan, end_tags, split
from feedmirror.text.xml import tree
from fuzz.inputs import CONTENT_TYPES, chance, one_of
from fuzz.judges import require, require_well_formed

SEEDS = ("feeds",)


def check(data: bytes) -> None:
    """Whichever items are kept, what is left is a document with just these."""
    try:
        plan = split(prepare_xml(decode(data, one_of(CONTENT_TYPES, data))))
    except (ParseError, CannotSplit):
        return
    counts = {len(plan.spans), len(plan.items), len(plan.around)}
    require(len(counts) == 1, "spans, items and what is around them do not match")
    position = 0
    for start, end in plan.spans:
        require(position <= start < end <= len(plan.data), f"a span from {start} to {end}")
        position = end
    for (start, end), tags in zip(plan.spans, plan.around, strict=True):
        tree(*tags, plan.data[start:end], end_tags(tags))
    number = range(len(plan.spans))
    some = {index for index in number if chance(data).random() < 0.5}
    for keep in (set(number), set(), some):
        _require_cut(plan, keep)
    require_well_formed(plan.frame(), "the frame")


def _require_cut(plan: SplitPlan, keep: set[int]) -> None:
    document, sentinel = plan.reduced(keep)
    require_well_formed(document, f"the document with {sorted(keep)}")
    again = split(document.decode())
    items = again.items[1:] if sentinel else again.items
    wanted = [(plan.items[index].guid, plan.items[index].link) for index in sorted(keep)]
    require([(item.guid, item.link) for item in items] == wanted, "other items were kept")
