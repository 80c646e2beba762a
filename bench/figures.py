"""What the bill is made from: figures that were counted, measured or assumed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Poll:
    """What one refresh of one feed comes to."""

    reads: float
    writes: float
    listings: float
    log_bytes: float
    cpu_s: float  # on this machine
    log_lines: int = 1


@dataclass(frozen=True, slots=True)
class Measured:
    """What was counted (all but CPU times: the same each time) and measured on this machine."""

    unchanged: Poll  # the origin answers 304
    new: Poll  # one new entry
    writes_an_entry: float  # that is found with others
    archive_writes: float  # an entry
    bookkeeping_writes: float  # a feed a day, besides those of its new entries
    invocation_cpu_s: float  # of one invocation, besides its feeds
    invocation_log_bytes: float
    invocation_log_lines: int
    init_cpu_s: float
    overlap: float  # of the time of a batch of unchanged feeds, that passes while others wait
    due_cpu_s: float  # to decide whether one feed is due
    index_cpu_s: float  # to read the feed index, compare it with a listing and write it: a feed
    index_bytes: float  # gzipped: a feed
    known_bytes: float  # of a feed in a message
    entry_bytes: float  # an entry's object
    entry_public_bytes: float  # its page, and its part of an archive page in every format
    state_bytes: float
    document_bytes: float  # the documents that are replaced with each new entry, together
    document_gzip_bytes: float  # that which a reader polls
    entries_first: int  # that a first mirror stores
    metrics: int  # custom ones that the function writes


@dataclass(frozen=True, slots=True)
class Assumptions:
    """What is neither counted nor measured. `cost_tables.ASSUMED` says why each is what it is."""

    new_a_day: float = 2.0  # entries of a feed
    new_a_poll: float = 1.0  # of them, that are found by one poll
    tick_s: int = 300
    memory_gb: float = 0.5
    vcpu: float = 512 / 1769  # of the function
    init_vcpu: float = 1.0  # while it starts
    core: float = 1.25  # CPU seconds of a vCPU on Graviton for one here
    tls_cpu_s: float = 0.001  # of a handshake with an origin
    contexts_cpu_s: float = 0.04  # of what TLS needs once a process, for origins and for S3
    origin_s: float = 0.4
    s3_s: float = 0.02
    slowest_s: float = 3.0
    feeds_a_message: int = 100
    groups: int = 8  # of messages, that the feeds of a tick are in
    environments: int = 10  # at most, at once
    cold_share: float = 0.25  # of environments that did not live from tick to tick
    recycle_s: int = 7200  # that an environment lives in any case
    queues: int = 2  # of refreshes and of renewals
    pollers: int = 5  # of each queue, by Lambda
    long_poll_s: int = 20
    send_cpu_s: float = 0.003  # of a SendMessageBatch, as measured for a request to S3
    look_cpu_s: float = 0.005  # to read the state of a feed that changed
    listing_cpu_s: float = 0.04  # of a thousand states
    slug_bytes: int = 16  # that the line of a run has of each feed
    dispatch_metrics: int = 7
    alarms: int = 24
    dashboards: int = 1
    event_bytes: int = 26  # that CloudWatch adds to each line
    platform_bytes: int = 700  # of the runtime's own two lines an invocation
    platform_lines: int = 2
    dead_share: float = 0.02  # of feeds
    dead_polls_a_day: float = 3.0  # the back-off's longest interval is 8 hours
    hang_share: float = 1 / 3  # of dead feeds, whose origin is silent
    timeout_s: float = 30.0
    out_bytes: int = 1500  # to an origin, for one poll
    month: int = 12  # of the mirror's life: entries are kept for ever
    version_days: int = 8  # that an old version of a state is kept
    public_version_days: int = 2  # and of a document
    log_days: int = 30
    packed: float = 0.25  # of their bytes, that states and entries take in the bucket
