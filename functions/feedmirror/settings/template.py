"""Write the commented feeds.toml of `feedmirror init`."""

from __future__ import annotations

from feedmirror.model import DEFAULT_DISCLAIMER, Disclaimer
from feedmirror.settings.load import subscription_for
from feedmirror.settings.values import flaw_of

_TEMPLATE = """\
# What feedmirror mirrors. Every key is explained in docs/configuration.md.

# Where readers find the public files; feeds then name their own address.
# public_url = "https://feeds.example.org"

[defaults]
# How the origin reaches you: sent with every request, so that nobody has to block you to be heard.
{contact}

# What every entry says, in your words: plain `text`, or `html` with a few harmless tags. They go
# between the three quotation marks as they are; only braces are special: {{source_title}},
# {{source_url}}, {{entry_url}} and {{fetched}} stand for what they name, {{{{ and }}}} for braces.
[defaults.disclaimer]
language = {language}
{words}

# The feed. Its name, {slug}, becomes part of its public address: choose it once.
[feeds.{slug}]
url = {url}
{title}
# keep = {keep}        # entries in the public feed, at least
# every = "{every_m}m"    # how often the origin is asked
"""


def template_toml(
    url: str,
    *,
    slug: str | None = None,
    title: str | None = None,
    contact: str | None = None,
    disclaimer: str | None = None,
    language: str = "en",
) -> str:
    """Return a commented feeds.toml for one feed; `parse_settings` returns the given values.

    `title` may come from an origin: invalid characters are dropped, and a blank title counts as
    missing. `disclaimer` is a template with variables. Raises: ConfigError for any other problem.
    """
    name = _clean(title or "")
    made = subscription_for(
        url,
        slug=slug,
        title=name or None,
        contact=contact,
        disclaimer={"language": language}
        | ({"text": disclaimer} if disclaimer else {"html": DEFAULT_DISCLAIMER.html}),
    )
    return _TEMPLATE.format(
        contact=_line("contact", made.contact, "mailto:you@example.org"),
        language=_quoted(made.disclaimer.language or ""),
        words=_prose(made.disclaimer),
        slug=made.slug,
        url=_quoted(made.url),
        title=_line("title", made.title, "A title instead of the origin's"),
        keep=made.keep,
        every_m=made.every_s // 60,
    )


def _clean(title: str) -> str:
    """Return a title on one line, without invalid characters, of valid length."""
    words = " ".join(title.split())
    return "".join(character for character in words if not flaw_of(character))[:500].strip()


def _line(key: str, value: str | None, example: str) -> str:
    return f"# {key} = {_quoted(example)}" if value is None else f"{key} = {_quoted(value)}"


def _prose(disclaimer: Disclaimer) -> str:
    """Return the disclaimer's assignment; the text is a literal string, which has no escapes."""
    key, words = ("text", disclaimer.text) if disclaimer.text else ("html", disclaimer.html or "")
    return f"{key} = " + (_quoted(words) if "'''" in words else f"'''\n{words}\n'''")


def _quoted(words: str) -> str:
    """Return a TOML basic string. Source: TOML 1.0 "String"."""
    escaped = words.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + escaped.replace("\n", "\\n").replace("\t", "\\t") + '"'
