"""Pure: from the bytes of a document to `Feed` and `Entry`."""
