"""The table of faults and attacks, as data: what goes wrong, what must happen then.

A test that proves a row, or a part of it, is marked with its id: `@pytest.mark.row("F1", "F2")`.
`tools/security-table` writes the table of docs/security.md from this file and from those marks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

# By stages. A row begins with its id; what must happen stands behind the arrow. "Contained" means:
# that feed's refresh fails with a reason, the other feeds go on, and what is stored, remembered and
# public of that feed stays as it is.
_TABLE = """
# Fetching
F1 A body that never ends -> Contained, at `max_bytes`
F2 Headers, chunks or a body that drip; interim answers without end; a stalled handshake ->
   Contained, at the one deadline of the whole exchange
F3 A name server that does not answer -> Contained, at the same deadline
F4 Redirects in a circle, more than five, or to nowhere -> Contained
F5 A redirect to a private address, however it is spelt -> Refused; nobody is connected to
F6 A name that leads elsewhere between check and use -> Looked up once; only the number that was
   checked is connected to
F7 A name with public and private addresses -> Refused
F8 Addresses that hand out a cloud's credentials or a function's events -> Refused, even
   where private hosts are allowed
F9 Other schemes, names and passwords, other protocols' ports, backslashes -> Refused before any
   name is looked up
F10 A redirect to another origin -> Configured headers stay behind; no cookie, no referrer
F11 A 304, asked for or not -> Asked for: nothing is written but a newer validator. With another
   ETag than was sent: none of it is kept, and the next poll is unconditional, once a day at most.
   Not asked for: contained, and the next poll is unconditional
F12 A 200 with the same bytes as before -> Nothing is parsed, nothing is written but new
   validators: three times in a day, then once an hour at most
F13 `Retry-After` in every form, hostile ones too -> The feed waits, a minute at least, a day at
   most; others of its origin in the same process for an hour at most
F14 Permanent and temporary redirects, true ones and a hotel's -> Only a stable permanent one is
   remembered; entries stay who they are
F15 410, 404 and errors of the server -> Asked less and less often. 410 on three days: asked once
   a week, entries stay, the operator is told
F16 Bodies cut short, broken chunks, contradictory lengths, too many or too long headers,
   control characters -> Contained, or read where no harm is done; a validator that cannot be
   sent back is not kept

# Decoding
D1 A gzip bomb -> Given up at `max_bytes` of what comes out, without holding more
D2 A coding that was not asked for, or several -> Refused
D3 A gzip stream that is cut off, has several members, or something behind it -> Cut off:
   contained, though its length is right. Members are one document; what follows is ignored
D4 Character sets that are tricks -> An allowlist; anything else is read as UTF-8
D5 UTF-16 or UTF-32 that hides a document type -> Decoded first, then refused

# Parsing
P1 Entity bombs, parameter entities, external entities -> Refused before any XML parser; no file
   is read and nobody contacted
P2 A document type hidden behind a decoy; an entity that is a template -> Refused; the process
   goes on
P3 Text on which a parser takes quadratic time, or worse -> Read in linear time, or given up at
   the child's limits
P4 Nested relative bases that double an address -> As P3
P5 Nesting, attributes, namespaces, items and tokens beyond reason -> Refused, fast, or read
   without harm
P6 A body that is the path of a file or an address -> Never opened
P7 A document that was cut off, in an answer that looks whole -> Whole entries are kept, nothing
   is revised, the rest is asked for again
P8 One poisonous entry, or a few -> Named and left out; the others are mirrored. More than ten in
   one document: contained
P9 The parser crashes, hangs, takes all memory, or answers nonsense -> Contained; the next
   document gets a fresh one
P10 A web page, a login, other JSON, or nothing, where the feed was -> Contained; the feed is
   not emptied
P11 Dates that cannot be, or of the far future -> No date: when the entry was first seen counts.
   The order is stable
P12 Native code of the parser that reads memory which is not its own -> The worker holds no
   credential: no environment, no file or connection, no memory of its parent

# Deciding
C1 Entries without a guid, that repeat, or share one; feeds with the same guids -> Guid, else
   link, else content. A repeat is one entry, another link under the same guid a second. Feeds
   never collide
C2 A feed with relative guids that moves -> The entries are the same
C3 An entry that is edited -> A new revision, listed once
C4 A feed that shrinks or is reordered -> Nothing is unlisted
C5 A flood of new entries -> Read in parts and committed in chunks; a run that dies
   within them is made up for; none is lost
C6 Texts that run the other way, letters of no width, look-alikes -> Identity goes by the raw
   text; pages isolate what they show

# Storing
S1 A run that is killed before or after any operation, and its recoveries too -> The next
   undisturbed run leaves the same store
S2 A store that fails, throttles or times out at any request -> As S1
S3 A write whose answer is lost, and whose repetition is refused -> Recognised as the run's own
S4 A conflict, or an object that is gone when it is to be replaced -> Read again and decided
   again, a bounded number of times, with random pauses
S5 Two runs of a feed at once, in any order of steps -> No entry lost, newest text public
S6 A write that arrives long after its run died -> Refused by its condition
S7 A state that is missing, damaged, or of another version -> Never guessed: refused by name,
   and made anew from the stored entries on command
S8 Access denied in the middle of a run -> Told at once; what is public stays
S9 More keys than a listing holds -> All are read
S10 Guids that are paths, huge, or no text at all -> Keys are digests of them
S11 Line breaks and foreign letters on their way into metadata -> Nothing of an origin's is in a
   header of an object

# Rendering
R1 Scripts in every field -> Inert in feeds and pages
R2 Addresses that run something or name local files -> Dropped
R3 Markup that would swallow, hide or forge the disclaimer -> The real one is there and visible,
   at either end; checked in the finished bytes
R4 Ends of sections, control characters, non-characters, surrogates, ends of scripts ->
   Well-formed XML 1.0, valid JSON, inert
R5 Huge titles, nesting without end -> Bounded in time and depth; nothing is cut silently
R8 Trackers, and what others' servers would serve -> Pages contact nobody but the mirror, except
   for pictures where the operator allows them

# Publishing
U1 A run that is killed between two documents -> Pages before feeds: every link leads somewhere
   at every moment
U2 A reader who polls all the time -> Each document is whole and valid, always
U3 The older of two runs ends last -> No document goes back to an older generation
U4 A document that is broken, or lacks a disclaimer -> It does not go out; the entry that breaks
   it is quarantined by name
U5 The same state again -> The same bytes, and nothing is written
U6 An edge that keeps an error from before a page was there -> What is linked is written first;
   errors are kept shortly, documents as long as they say

# Operating
O1 A run that reaches the end of its time -> It ends before it is killed; what was not done is
   asked for again
O2 An event that comes twice, or late -> No effect
O3 A process that is used again -> Nothing of one run is left in the next
O4 Secrets in addresses and headers, line breaks in what is logged -> Hidden; one line of JSON
   an event
O5 A mirror that no longer refreshes -> An alarm
O6 Everything public is deleted, and the state -> Made anew from the stored entries, the same
   but for the generation
O7 An old expat or urllib3 -> What an old expat cannot bear never reaches it, and its age is
   told; an old urllib3 is not installed
O8 An entry that must be taken down, while runs are under way -> Its words are in no version of
   any object; neither the origin nor a rebuild nor a lost state brings them back
O9 A feed that raises, hangs or kills the process -> The others of its message are refreshed
   within minutes; it is given up by name, until it is next due
O10 Two configurations or two versions of the program, on one store -> The newer one wins, never
   both in turn; the older one stores entries, says so, and after an hour an alarm does
O11 Settings or a program that change, with a large archive behind them -> All that is public
   follows in slices, whenever it is killed; an alarm where none follows for a day
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One fault or attack."""

    id: str  # a letter for the stage, and a number
    fault: str  # what goes wrong, or is tried
    expected: str  # what must happen
    stage: str  # a heading of the table


def _rows(text: str) -> Iterator[Row]:
    for part in text.split("\n# ")[1:]:
        stage, _, below = part.partition("\n")
        for row in re.split(r"\n(?=[A-Z]\d)", below.strip()):
            row_id, _, words = " ".join(row.split()).partition(" ")
            fault, _, expected = words.partition(" -> ")
            yield Row(row_id, fault, expected, stage)


ROWS = tuple(_rows(_TABLE))
STAGES = tuple(dict.fromkeys(row.stage for row in ROWS))  # in their order
