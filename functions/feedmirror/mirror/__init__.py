"""Pure: what is remembered of a feed, and how a document changes that."""
