"""The parts of urllib3 that origins are asked with."""

from __future__ import annotations

# ruff: noqa: E402 - what is left out has to be so before the first import
import sys
from types import ModuleType

# urllib3 imports `importlib.metadata` for HTTP/2, which is not used here: with `inspect` and
# `zipfile`, that is a tenth of a process that finds nothing new.
_METADATA = "importlib.metadata"
if _METADATA not in sys.modules:
    sys.modules[_METADATA] = ModuleType(_METADATA)
    sys.modules[_METADATA].version = None  # type: ignore[attr-defined] # the name that is imported
    import urllib3  # noqa: F401 - for the imports below

    del sys.modules[_METADATA]

from urllib3 import HTTPHeaderDict, HTTPResponse
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, LocationParseError
from urllib3.util import Url, parse_url

__all__ = [
    "HTTPConnection",
    "HTTPError",
    "HTTPHeaderDict",
    "HTTPResponse",
    "HTTPSConnection",
    "LocationParseError",
    "Url",
    "parse_url",
]
