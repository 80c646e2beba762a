"""`feedmirror serve`: serve the public documents of a store over HTTP on this machine."""

from __future__ import annotations

import signal
import sys
from argparse import Namespace
from types import FrameType
from typing import NoReturn

from feedmirror.entrypoints.cli.arguments import DEFAULT_STORE
from feedmirror.entrypoints.cli.command import Resources
from feedmirror.entrypoints.cli.terminal import counted, print_error
from feedmirror.entrypoints.store import StoreLocation
from feedmirror.entrypoints.web.server import FeedServer
from feedmirror.errors import ConfigError


def serve(arguments: Namespace, resources: Resources) -> int:
    """Serve until interrupted; return the exit code. Raises: ConfigError."""
    location: StoreLocation = arguments.store
    if location.directory is None:
        raise ConfigError(
            (
                f"serve needs a mirror in a directory; {location} is in a bucket",
                f"to serve a copy:  aws s3 sync {location.below('public/')} mirror/public/",
                "                  feedmirror serve",
            )
        )
    if not location.directory.is_dir():
        raise ConfigError(
            (
                f"there is no mirror in {location}",
                "to mirror a feed into it: feedmirror run https://example.org/feed.xml"
                + ("" if location == DEFAULT_STORE else f" --store {location}"),
            )
        )

    def log(line: str) -> None:
        sys.stderr.write(f"{resources.clock().astimezone():%Y-%m-%d %H:%M:%S} {line}\n")

    try:
        server = FeedServer(location.directory, arguments.host, arguments.port, log)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        print_error(f"cannot listen on {arguments.host} port {arguments.port}: {reason}")
        sys.stderr.write("Choose another --port (0: any free port) or --host.\n")
        return 2
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        print(_welcome(server, arguments), flush=True)  # noqa: T201 - the output
        if arguments.open:
            import webbrowser  # noqa: PLC0415 - 35 ms

            webbrowser.open(f"{server.base}/")
        server.serve_forever()
    except KeyboardInterrupt:
        print("\nStopped.")  # noqa: T201 - the output
    finally:
        signal.signal(signal.SIGTERM, before)
        server.server_close()
    return 0


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _welcome(server: FeedServer, arguments: Namespace) -> str:
    addresses = server.addresses()
    if addresses:
        feeds = {address.rpartition("/")[0] for address in addresses}
        lines = [f"Serving {counted(len(feeds), 'feed')}. Open in a browser:"]
        lines += [f"  {server.base}/", "Subscribe to:"]
        lines += [f"  {address}" for address in addresses]
    else:
        lines = [f"No feed has been mirrored into {arguments.store} yet. To mirror one:"]
        lines += ["  feedmirror run https://example.org/feed.xml"]
        lines += [f"It will then be served at {server.base}/"]
    return "\n".join((*lines, "Press Ctrl-C to stop."))
