"""Environment of the templates, which keeps them compiled where Python keeps bytecode.

Compiling them takes twice as long as rendering a page. Of the package, this module imports nothing:
the build of the function runs it by itself, to compile the templates in advance.
"""

from __future__ import annotations

import marshal
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from hashlib import sha256
from importlib.util import MAGIC_NUMBER, cache_from_source
from pathlib import Path
from typing import Any
from uuid import uuid4

import jinja2

_TEMPLATES = Path(__file__).with_name("templates")
_FILTERS = ("day", "host", "machine", "moment")
_OPTIONS: dict[str, Any] = {
    "autoescape": True,
    "undefined": jinja2.StrictUndefined,
    "auto_reload": False,
    "trim_blocks": True,
    "lstrip_blocks": True,
    "keep_trailing_newline": True,
}
_DIGEST_BYTES = 32


class _Bytecode(jinja2.BytecodeCache):
    """Compiled templates as files: a digest of what they were made from, one of the code, the code.

    A file that is damaged, or made from something else, is ignored.
    """

    def get_cache_key(self, name: str, filename: str | None = None) -> str:
        del filename  # a template may be compiled at one place and loaded at another
        return name

    def get_source_checksum(self, source: str) -> str:
        made_from = (source, _OPTIONS, jinja2.__version__, MAGIC_NUMBER)
        return sha256(repr(made_from).encode()).hexdigest()

    def load_bytecode(self, bucket: Any) -> None:
        with suppress(OSError):
            stored = _file(bucket.key).read_bytes()
            code = stored[2 * _DIGEST_BYTES :]
            if stored == _signed(bucket.checksum, code):
                bucket.code = marshal.loads(code)  # noqa: S302 - as a module's bytecode

    def dump_bytecode(self, bucket: Any) -> None:
        if sys.dont_write_bytecode:
            return
        file = _file(bucket.key)
        temporary = file.with_suffix(f".{uuid4().hex}")
        with suppress(OSError):  # the package is read-only
            file.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_bytes(_signed(bucket.checksum, marshal.dumps(bucket.code)))
            temporary.replace(file)


def _file(template: str) -> Path:
    return Path(cache_from_source(f"{_TEMPLATES / template}.py"))


def _signed(checksum: str, code: bytes) -> bytes:
    return b"".join((bytes.fromhex(checksum), sha256(code).digest(), code))


def environment(filters: Mapping[str, Callable[..., str]]) -> jinja2.Environment:
    """Return the environment with these filters."""
    # A loader that names no file: else its path is part of the bytecode.
    loader = jinja2.FunctionLoader(lambda name: (_TEMPLATES / name).read_text("utf-8"))
    made = jinja2.Environment(loader=loader, bytecode_cache=_Bytecode(), **_OPTIONS)  # noqa: S701
    made.filters |= filters
    return made


def compile_all() -> None:
    """Compile every template."""
    made = environment(dict.fromkeys(_FILTERS, str))
    for template in sorted(_TEMPLATES.iterdir()):
        if template.suffix == ".html":
            made.get_template(template.name)
