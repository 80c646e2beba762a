"""feeds.toml as the commands that edit it read and write it."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile

from feedmirror.entrypoints.cli.arguments import DEFAULT_CONFIG
from feedmirror.entrypoints.cli.selection import missing
from feedmirror.errors import ConfigError
from feedmirror.settings.edits import validated
from feedmirror.settings.load import Settings, read_text

_MOST_TRIES = 5


def edit_config(path: Path, edit: Callable[[str], str]) -> Settings:
    """Replace the text of the file by what `edit` makes of it; return the settings it has then.

    Nothing is written unless the whole of it is valid. If the file changes meanwhile, `edit` is
    called again with the newer text. Raises: ConfigError, also for a missing file.
    """
    for _ in range(_MOST_TRIES):
        if not path.exists():
            raise missing(path)
        before = read_text(path)
        after = edit(before)
        settings = validated(after, str(path))
        if after == before or _replaced(path, before, after):
            return settings
    raise ConfigError((f"{path} is changed by others all the time: nothing was written",))


def config_option(path: Path) -> str:
    """Render the option that names the file; empty for the default."""
    return "" if path == DEFAULT_CONFIG else f" --config {shlex.quote(str(path))}"


def _replaced(path: Path, before: str, after: str) -> bool:
    """Replace the file at once; return False if it is not `before` any more."""
    target = path.resolve()  # a symbolic link stays one
    made: Path | None = None
    try:
        with NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}.", delete=False) as file:
            made = Path(file.name)
            file.write(after.encode())
            file.flush()
            os.fsync(file.fileno())
        made.chmod(target.stat().st_mode & 0o7777)
        if read_text(path) != before:
            return False
        made.replace(target)
        made = None
    except OSError as error:
        raise ConfigError((f"{path} cannot be written: {error.strerror}",)) from error
    finally:
        if made is not None:
            with suppress(OSError):
                made.unlink()
    return True
