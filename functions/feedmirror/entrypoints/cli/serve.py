"""`feedmirror serve`: the public files on this machine, as a CDN will serve them."""

from __future__ import annotations

import signal
import sys
from argparse import Namespace
from types import FrameType
from typing import NoReturn

from feedmirror.entrypoints.cli.resources import Outside, complain
from feedmirror.entrypoints.cli.text_log import counted
from feedmirror.entrypoints.store import Place
from feedmirror.entrypoints.web.server import FeedServer
from feedmirror.errors import ConfigError


def serve(arguments: Namespace, outside: Outside) -> int:
    """The exit code; comes back when it is interrupted. Raises: ConfigError."""
    place: Place = arguments.store
    if place.directory is None:
        raise _elsewhere(place)

    def log(line: str) -> None:
        sys.stderr.write(f"{outside.clock().astimezone():%Y-%m-%d %H:%M:%S} {line}\n")

    try:
        server = FeedServer(place.directory, arguments.host, arguments.port, log)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        complain(f"cannot listen on {arguments.host} port {arguments.port}: {reason}")
        sys.stderr.write("Choose another with --port (0 takes any that is free) or --host.\n")
        return 2
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        print(_welcome(server, arguments), flush=True)  # noqa: T201 - what the command is for
        server.serve_forever()
    except KeyboardInterrupt:
        print("\nStopped.")  # noqa: T201 - what the command is for
    finally:
        signal.signal(signal.SIGTERM, before)
        server.server_close()
    return 0


def _elsewhere(place: Place) -> ConfigError:
    public = place.below("public/")
    return ConfigError(
        (
            f"serve shows a mirror in a directory; {place} is read through what serves {public}",
            f"to look at a copy of it here:  aws s3 sync {public} mirror/public/",
            "                               feedmirror serve",
        )
    )


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _welcome(server: FeedServer, arguments: Namespace) -> str:
    addresses = server.addresses()
    if addresses:
        feeds = {address.rpartition("/")[0] for address in addresses}
        lines = [f"Serving {counted(len(feeds), 'feed')}. To read in a browser:"]
        lines += [f"  {server.base}/", "To subscribe to:"]
        lines += [f"  {address}" for address in addresses]
    else:
        lines = [f"Nothing has been mirrored into {arguments.store} yet:"]
        lines += ["  feedmirror run https://example.org/feed.xml"]
        lines += [f"It will be served here as soon as it is there: {server.base}/"]
    return "\n".join((*lines, "Ctrl-C ends it."))
