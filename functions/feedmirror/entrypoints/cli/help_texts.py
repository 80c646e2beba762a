"""Descriptions and examples of the program and its commands, as `--help` prints them."""

ABOUT = """\
Mirror RSS, Atom and JSON feeds: public copies that keep every entry, each with your disclaimer.
"""
EXAMPLES = """\
examples:
  feedmirror run https://example.org/feed.xml     mirror one feed into ./mirror
  feedmirror serve                                view the result in a browser
  feedmirror init https://example.org/feed.xml    create a feeds.toml with that feed
  feedmirror check                                validate feeds.toml
  feedmirror run                                  mirror all feeds of feeds.toml
  feedmirror status                               show the health of the feeds
  feedmirror status --store s3://example-bucket   show the health of a deployed mirror

exit codes: 0 success, 1 a feed failed, 2 wrong usage or configuration
See `feedmirror COMMAND --help` for the options of a command.
"""
RUN_ABOUT = """\
Mirror every feed of feeds.toml once, or the single feed at URL, which needs no feeds.toml.

The store then holds data/ and state/, which are private, and public/SLUG/ with the feed as RSS,
Atom, JSON Feed and HTML.
"""
RUN_EXAMPLES = """\
examples:
  feedmirror run                                  all feeds of feeds.toml
  feedmirror run --feed example-news              one of them
  feedmirror run --watch                          all, then each whenever it is due
  feedmirror run --due --quiet                    from a cron job, every minute
  feedmirror run --due --tick 5m --quiet          from a cron job, every five minutes
  feedmirror run https://example.org/feed.xml --disclaimer 'A copy of {source_title}.'
  feedmirror run ./feed.xml                       a feed in a local file
  feedmirror run --store s3://example-bucket/news into an existing bucket

Ctrl-C (or SIGTERM) stops after the feeds in progress; a second one stops at once. The next run
resumes in either case.

exit codes: 0 success, 1 a feed failed, 2 wrong usage or configuration, 130 interrupted
"""
SERVE_ABOUT = """\
Serve the public/ folder of a store, and nothing else, over HTTP on this machine, with the headers
that the CDN of a deployed mirror sends. Press Ctrl-C to stop.
"""
INIT_ABOUT = """\
Fetch a feed and write a feeds.toml for it, in which comments explain every setting.
"""
CHECK_ABOUT = """\
Validate feeds.toml: report all problems at once, or list the configured feeds.
"""
STATUS_ABOUT = """\
Show the health of every feed in feeds.toml and in the store: when it last had a new entry, since
when it fails and why, when it is due, how many entries were mirrored, and its public addresses.
Reads the state of each feed once; sends no request to an origin.

A feed that is in the store alone is "not configured": no run refreshes it, and its line on the
site stays unchanged. Without a feeds.toml only the store is shown, without due times.
"""
STATUS_EXAMPLES = """\
exit codes: 0 success, 1 a feed is failing, 2 wrong usage or configuration
"""
REBUILD_ABOUT = """\
Recreate the state and the public documents of a feed from its stored entries, when the state is
lost or damaged; the origin is not needed. Safe for a healthy feed, while other runs refresh it, and
when interrupted.

With --reparse, the stored originals of the entries are parsed again first, so that a better parser
reaches all pages; no request is sent. An entry without an original is sanitized again. A record
that cannot be parsed stays unchanged and is reported.

The disclaimer is that of feeds.toml. A feed that is not in feeds.toml needs --disclaimer.
"""
REBUILD_EXAMPLES = """\
examples:
  feedmirror rebuild example-news
  feedmirror rebuild example-news --store s3://example-bucket/news
  feedmirror rebuild example-news --reparse
  feedmirror rebuild old-news --disclaimer 'A copy of {source_title}.'

exit codes: 0 success, 1 a feed or one of its records failed, 2 wrong usage or configuration
"""
