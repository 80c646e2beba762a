"""feedmirror: a faithful public copy of a feed, with the operator's disclaimer on every entry."""

__version__ = "0.1.0"
