"""Where in a fragment of XML the disclaimer goes: control characters that no XML can contain."""

HTML_BEFORE, HTML_AFTER = "\x01", "\x02"  # around a body of escaped HTML
TEXT_BEFORE, TEXT_AFTER = "\x03", "\x04"  # around a plain one
