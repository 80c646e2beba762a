"""Origins: feeds fetched over HTTP, or read from a local file."""
