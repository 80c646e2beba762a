"""Parsing: convert the bytes of a feed document to `Feed` and `Entry`. Pure, without I/O."""
