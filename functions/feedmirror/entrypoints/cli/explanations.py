"""What `--help` says of the program and of each command, besides its options."""

ABOUT = """\
Mirror a feed before it is lost: a faithful public copy, with your disclaimer on every entry.
"""
EXAMPLES = """\
examples:
  feedmirror run https://example.org/feed.xml     mirror one feed, now, into ./mirror
  feedmirror serve                                look at the result
  feedmirror init https://example.org/feed.xml    write a feeds.toml to go on from
  feedmirror check                                see whether it is in order
  feedmirror run                                  mirror all feeds of feeds.toml
  feedmirror status                               see how they fare
  feedmirror status --store s3://example-bucket   those of a deployed mirror

exit codes: 0 all is well, 1 a feed failed, 2 wrong usage or configuration
`feedmirror COMMAND --help` says more.
"""
RUN_ABOUT = """\
Mirror every feed of feeds.toml once, or the one at URL, which needs no file at all.

The store then holds data/, which is private, and public/SLUG/, which is for readers: the feed in
every format.
"""
RUN_EXAMPLES = """\
examples:
  feedmirror run                                  all feeds of feeds.toml
  feedmirror run --feed example-news              one of them
  feedmirror run --watch                          all, and again whenever they are due
  feedmirror run --due --quiet                    what a cron job says each minute
  feedmirror run --due --tick 5m --quiet          what it says every five minutes
  feedmirror run https://example.org/feed.xml --disclaimer 'A copy of {source_title}.'
  feedmirror run ./feed.xml                       a feed in a file
  feedmirror run --store s3://example-bucket/news into a bucket that exists

Ctrl-C (or SIGTERM) lets feeds that are being refreshed finish; a second one ends at once, and
the next run goes on from there.

exit codes: 0 all is well, 1 a feed failed, 2 wrong usage or configuration, 130 interrupted
"""
SERVE_ABOUT = """\
Serve what has been mirrored, on this machine: the store's public/ folder and nothing else, with
the headers that a CDN would send. Ctrl-C ends it.
"""
INIT_ABOUT = """\
Look at a feed and write a feeds.toml for it, with a comment on everything that can be set.
"""
CHECK_ABOUT = """\
Say what is wrong with feeds.toml, all at once; or, if nothing is, which feeds it configures.
"""
STATUS_ABOUT = """\
Say how every feed fares, those of feeds.toml and those that are in the store alone (not
configured: no run polls them, and what the site says of them stays as it is):
when it last had a new entry, since when it fails and how, when it is due, how many entries were
ever mirrored, and where readers find it. Asks the store, one read a feed, and no origin.

Without a feeds.toml it tells of the store alone, and not when feeds are due.
"""
STATUS_EXAMPLES = """\
exit codes: 0 all is well, 1 a feed fails, 2 wrong usage or configuration
"""
REBUILD_ABOUT = """\
Make the state, the public window and the documents of a feed anew from the entries that are
stored: for when its state is lost or damaged, whether or not the origin still is there. It is
harmless for a feed that is well, while others refresh it too, and when it is interrupted.

With --reparse entries are first read again from their stored originals, without asking the
origin: what this version of feedmirror reads better reaches all pages. It says how many were read,
how many have no original and were only sanitised again, and how many of both have changed. A
record that cannot be read again stays as it is, and is named.

A feed is rebuilt with what feeds.toml says of it. One that is not there needs --disclaimer.
"""
REBUILD_EXAMPLES = """\
examples:
  feedmirror rebuild example-news
  feedmirror rebuild example-news --store s3://example-bucket/news
  feedmirror rebuild example-news --reparse
  feedmirror rebuild old-news --disclaimer 'A copy of {source_title}.'

exit codes: 0 all is well, 1 a feed could not be rebuilt, or not from all of its records, or a
record could not be read again, 2 wrong usage or configuration
"""
