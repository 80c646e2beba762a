"""Whether one value is what its element wants: addresses, contacts, languages, numbers, plain text.

A function named `…_problem` returns the rule that the value breaks, or None.
"""

from __future__ import annotations

import re


def words(text: str) -> frozenset[str]:
    """The words of a list that is written as one line."""
    return frozenset(text.split())


# Source: RFC 3986 §2; brackets are for an IPv6 host only.
_URI = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*):(?P<slashes>//)?(?:[\w.~%!$&'()*+,;=:-]*@)?"
    r"(?:\[[0-9A-Fa-f:.]+\])?[A-Za-z0-9._~:/?#@!$&'()*+,;=%-]*",
    re.ASCII,
)
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_WITH_HOST = {"http", "https", "ftp"}
# Schemes of links that run nothing, whatever program opens them.
INERT_SCHEMES = words(
    "http https mailto tel sms geo magnet ed2k nostr lightning bitcoin xmpp sip sips irc ircs "
    "matrix ftp ftps sftp rtmp rtmps rtsp mms ipfs ipns dat gemini gopher nntp news webcal"
)
EXECUTED_SCHEMES = frozenset({"javascript", "vbscript", "data", "file", "blob", "about"})


def scheme_of(url: str) -> str | None:
    """The scheme as a browser reads it: it drops controls and spaces first. WHATWG URL §4.4."""
    match = _SCHEME.match(re.sub(r"[\x00-\x20]", "", url))
    return match[1].lower() if match else None


def url_problem(text: str) -> str | None:
    """The rule that an address in RSS breaks. Source: RSS 2.0 "Comments", RFC 3986."""
    scheme = scheme_of(text)
    if scheme is None or (scheme in _WITH_HOST and not re.match(r"\w+://[^/?#]", text)):
        return "url-relative"
    if scheme in EXECUTED_SCHEMES:
        return "url-scheme"
    if _URI.fullmatch(text):
        return None
    ascii_part = "".join(character for character in text if character < "\x80")
    return "url-not-ascii" if _URI.fullmatch(ascii_part) else "url-character"


def is_http_url(text: str) -> bool:
    """Whether the text is a flawless http or https URL."""
    return url_problem(text) is None and scheme_of(text) in {"http", "https"}


_ADDRESS = r"[A-Za-z0-9._%+'-]+@(?:[A-Za-z0-9-]+\.)+[A-Za-z0-9-]*[A-Za-z]"
_PLAIN_ADDRESS = re.compile(_ADDRESS)
_CONTACT = re.compile(rf"{_ADDRESS} \([^\r\n]*\S[^\r\n]*\)")


def contact_problem(text: str) -> str | None:
    """The rule that a contact breaks. Source: RSS Advisory Board profile, "E-mail addresses"."""
    if _CONTACT.fullmatch(text):
        return None
    return "email-without-name" if _PLAIN_ADDRESS.fullmatch(text) else "email"


def is_address(text: str) -> bool:
    """Whether the text is a bare e-mail address."""
    return _PLAIN_ADDRESS.fullmatch(text) is not None


# ISO 639-1, with the four codes that were withdrawn but are still met.
_LANGUAGES = words(
    "aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy "
    "da de dv dz ee el en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu "
    "hy hz ia id ie ig ii ik io is it iu ja jv ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb "
    "lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne ng nl nn no nr nv ny oc oj om "
    "or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr ss st su sv sw "
    "ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu "
    "in iw ji mo sh"
)
_LANGUAGE = re.compile(r"(?P<primary>[A-Za-z]{2,3})(-[A-Za-z0-9]{1,8})*|[xi](-[A-Za-z0-9]{1,8})+")
_MEDIA_TYPE = re.compile(
    r"""[^\s()<>,;:\\"/\[\]?=]+/[^\s()<>,;:\\"/\[\]?=]+(\s*;\s*[\w.+-]+=("[^"]*"|[^\s;"]+))*"""
)


def is_language(text: str) -> bool:
    """Whether the text is a language tag with a language that exists. Source: RFC 5646 §2.1."""
    match = _LANGUAGE.fullmatch(text)
    if match is None:
        return False
    primary = match["primary"]
    return primary is None or len(primary) == 3 or primary.lower() in _LANGUAGES


def is_media_type(text: str) -> bool:
    """Whether the text is a media type, with or without parameters. Source: RFC 9110 §8.3.1."""
    return _MEDIA_TYPE.fullmatch(text) is not None


def is_whole_number(text: str, least: int = 0) -> bool:
    """Whether the text is a whole number, in ASCII digits, of at least `least`."""
    return re.fullmatch(r"[0-9]{1,18}", text) is not None and int(text) >= least


def is_decimal(text: str, bound: float = float("inf")) -> bool:
    """Whether the text is a number between minus and plus `bound`."""
    if re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)", text, re.ASCII) is None:
        return False
    return abs(float(text)) <= bound


_HTML_TAG = re.compile(
    r"</?(?:a|abbr|b|big|blockquote|br|center|cite|code|del|div|em|font|h[1-6]|hr|i|iframe|img|ins|"
    r"kbd|li|object|ol|p|pre|q|s|script|small|span|strike|strong|style|sub|sup|table|td|th|tr|tt|u|"
    r"ul|video|wbr)\b[^<>]*>",
    re.IGNORECASE,
)
_REFERENCE = re.compile(
    r"&(?:#\d+|#x[0-9a-f]+|amp|apos|copy|gt|hellip|[lr]aquo|[lr]dquo|[lr]squo|lt|[mn]dash|nbsp|quot"
    r"|reg|shy|trade|[aeiou](?:acute|grave|circ|uml)|szlig);",
    re.IGNORECASE,
)


def holds_markup(text: str) -> bool:
    """Whether plain text holds what looks like a tag of HTML."""
    return _HTML_TAG.search(text) is not None


def plain_text_problem(text: str) -> str | None:
    """The rule that plain text breaks: it has tags, or references left by escaping twice."""
    if holds_markup(text):
        return "markup"
    return "reference" if _REFERENCE.search(text) else None
