"""Documents that are made to break a parser."""

from __future__ import annotations

URL = "https://origin.example.org/feed"
GOOD = "<item><guid>good</guid><title>Good</title></item>"


def rss(inner: str, before: str = "") -> str:
    return f'<?xml version="1.0"?>{before}<rss version="2.0"><channel>{inner}</channel></rss>'


def _entities(count: int) -> str:
    """Each made of the one before it: expanded by recursion, as deep as there are entities."""
    return '<!ENTITY e0 "x">' + "".join(f'<!ENTITY e{n} "&e{n - 1};">' for n in range(1, count))


LAUGHS = '<!ENTITY a0 "ha">' + "".join(
    f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12)
)
BOMBS = {
    "a billion laughs": rss("<item><title>&a11;</title></item>", f"<!DOCTYPE rss [{LAUGHS}]>"),
    "a quadratic blow-up": rss(
        f"<item><title>{'&a;' * 30_000}</title></item>",
        f'<!DOCTYPE rss [<!ENTITY a "{"x" * 40_000}">]>',
    ),
    "a chain behind a decoy": rss(
        "<item><title>&e39999;</title></item>", f"<!-- <a --><!DOCTYPE rss [{_entities(40_000)}]>"
    ),
    "a template": rss(
        "<item><title>&a;</title></item>",
        '<!DOCTYPE rss [<!ENTITY a "' + "\\1" * 44_000 + '">]>',
    ),
    "default attributes": rss(
        "<item><a/></item>" * 1000, f'<!DOCTYPE rss [<!ATTLIST a b CDATA "{"x" * 60_000}">]>'
    ),
    "parameter entities": rss(
        GOOD, '<!DOCTYPE rss [<!ENTITY % a "<!ENTITY b \'x\'>"> %a;]>'
    ),
    "laughs within the feed": rss(f"<!DOCTYPE rss [{LAUGHS}]><item><title>&a11;</title></item>"),
}  # fmt: skip
ATTRIBUTES = " ".join(f"a{n}=''" for n in range(40_000))
NAMESPACES = " ".join(f"xmlns:n{n}='u:{n}'" for n in range(40_000))
MONSTERS = {
    "a hundred thousand levels": "<a>" * 100_000,
    "a hundred thousand levels in an item": f"<item>{'<a>' * 100_000}</item>",
    "a million items": "<item/>" * 1_000_000,
    "forty thousand attributes": f"<item {ATTRIBUTES}/>",
    "a namespace a level": "".join(f"<a xmlns:n{n}='u:{n}'>" for n in range(50_000)),
}
BASES = "<b base='http:a/'>" * 40 + "</b>" * 40
TRIALS = {
    "white space": f"<item><title>{chr(10) * 40_000}x</title></item>",
    "an author without end": f"<item><author>{'a.' * 20_000}@</author></item>",
    "instructions": "<?encoding='" * 2_000 + "?>",
    "bases": f"<item><source>{BASES}</source></item>",
    "bases around": BASES,
    "forty thousand namespaces": f"<item {NAMESPACES}/>",
    "an attribute of megabytes": f"<item><x y='{'a' * 5_000_000}'/></item>",
    "a token of megabytes": f"<item><title>{'a' * 5_000_000}</title></item>",
    "a guid of megabytes": f"<item><guid>{'../' * 1_000_000}</guid></item>",
    "a name of megabytes": f"<item><{'a' * 2_000_000}/></item>",
    "a comment of megabytes": f"<!--{'- ' * 1_000_000}-->",
    "control characters": "<item><title>a\x00\x01\x08\x0b\x1f\x7f\x85\ufffe\uffffb</title></item>",
    "references to no character": "<item><title>&#0;&#xD800;&#xFFFE;&#x110000;</title></item>",
    "surrogates": "<item><title>\ud800\udc00\udfff</title></item>",
    "the end of a section": "<item><title>a]]>b</title></item>",
    "sections in sections": "<item><title><![CDATA[<![CDATA[a]]]]><![CDATA[>]]></title></item>",
    "everything twice": "<item><guid>a</guid><guid>b</guid><link>c</link><link>d</link>"
    "<title>e</title><title>f</title><pubDate>x</pubDate><pubDate>y</pubDate></item>" * 2,
}  # fmt: skip
