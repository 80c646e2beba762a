"""feedmirror: a faithful public copy of a feed, with the operator's disclaimer on every entry."""

import sys

__version__ = "0.1.0"

# msgspec reads annotations by typing_extensions where that is there, else by typing, which does as
# well. It imports `inspect`, `ast` and `tokenize`, that nothing else needs: a tenth of a start.
if "typing_extensions" not in sys.modules:
    sys.modules["typing_extensions"] = None  # type: ignore[assignment] # an import raises
    import msgspec  # noqa: F401 - for the rest of the package

    del sys.modules["typing_extensions"]
