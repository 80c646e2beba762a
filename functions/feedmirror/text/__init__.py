"""Text formats: plain text, HTML, XML, addresses, dates and secrets. Pure, without I/O."""
