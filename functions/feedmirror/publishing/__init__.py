"""Public documents: rendered from a feed's state and settings by pure functions."""
