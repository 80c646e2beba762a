"""Pure code: bytes and values in, values out. No input or output, no clock, no environment."""
