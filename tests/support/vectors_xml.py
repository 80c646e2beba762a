"""Attacks that come in elements of other vocabularies: well-formed XML, for an item or an entry.

Prefixes that are not declared are those of tests/support/builders.py.
"""

from __future__ import annotations

from vectors import CANARY

_XHTML, _SVG = 'xmlns="http://www.w3.org/1999/xhtml"', 'xmlns="http://www.w3.org/2000/svg"'
_XLINK = 'xmlns:xlink="http://www.w3.org/1999/xlink"'
_CALL = "&lt;img src=x onerror=alert(1)&gt;"

FOREIGN = (
    f"<script {_XHTML}>alert(1)</script>",
    '<h:script xmlns:h="http://www.w3.org/1999/xhtml">alert(1)</h:script>',
    (
        f'<media:group><script {_XHTML}>alert(1)</script><media:content url="/a"/>'
        '<media:content url="/b"/></media:group>'
    ),
    f'<x:a xmlns:x="urn:x"><x:b><img {_XHTML} src="x" onerror="alert(1)"/></x:b></x:a>',
    '<x:a xmlns:x="urn:x" xmlns:h="http://www.w3.org/1999/xhtml" h:onclick="alert(1)">words</x:a>',
    f'<iframe {_XHTML} src="javascript:alert(1)"/>',
    f'<body {_XHTML} onload="alert(1)"><form action="//{CANARY}/"/></body>',
    f"<svg {_SVG} onload='alert(1)'><script>alert(1)</script></svg>",
    f"<svg {_SVG}><foreignObject><body {_XHTML} onload='alert(1)'/></foreignObject></svg>",
    f"<svg {_SVG} {_XLINK}><a xlink:href='javascript:alert(1)'><text>words</text></a></svg>",
    f"<svg {_SVG}><animate attributeName='href' values='javascript:alert(1)'/></svg>",
    '<math xmlns="http://www.w3.org/1998/Math/MathML" href="javascript:alert(1)"><mi>x</mi></math>',
    f"<x:a xmlns:x='urn:x' {_XLINK} xlink:type='simple' xlink:href='javascript:alert(1)'>w</x:a>",
    "<x:a xmlns:x='urn:x' xml:base='javascript:/'><x:link href='alert(1)'/></x:a>",
    f"<media:title>{_CALL}</media:title>",
    f"<media:title type='html'>{_CALL}</media:title>",
    f"<media:title>words<x:a xmlns:x='urn:x'/>{_CALL}</media:title>",
    f"<media:title>&lt;img src=x one<b {_XHTML}>rror=alert(1)&gt;</b></media:title>",
    f"<media:title>{'long ' * 4000}{_CALL}</media:title>",
    "<media:title><![CDATA[<img src=x ]]><!-- -->onerror=alert(1)&gt;</media:title>",
    f"<media:description type='plain'>{_CALL}</media:description>",
    f"<media:text>{_CALL}</media:text><media:credit>{_CALL}</media:credit>",
    (
        "<media:content url='javascript:alert(1)'><media:player url=' java&#10;script:alert(1)'/>"
        "<media:thumbnail url='data:text/html,x'/></media:content>"
    ),
    f"<itunes:summary>{_CALL}</itunes:summary><itunes:subtitle>{_CALL}</itunes:subtitle>",
    f"<itunes:author>{_CALL}</itunes:author><itunes:image href='javascript:alert(1)'/>",
    (
        f"<podcast:person href='javascript:alert(1)' img='javascript:alert(1), 2'>{_CALL}"
        "</podcast:person>"
    ),
    "<podcast:chapters url='&#10;javascript:alert(1)'/><podcast:soundbite>w</podcast:soundbite>",
    (
        f"<podcast:liveItem><title>words</title><description>{_CALL}</description>"
        f"<content:encoded>{_CALL}</content:encoded></podcast:liveItem>"
    ),
    f"<yandex:full-text>{_CALL}&lt;!--</yandex:full-text><yandex:related>{_CALL}</yandex:related>",
    f"<georss:featurename>{_CALL}</georss:featurename><georss:point>1 2</georss:point>",
    (
        f"<dc:creator>{_CALL}</dc:creator><dc:rights>{_CALL}</dc:rights><dc:source>javascript:alert(1)"
        "</dc:source>"
    ),
    f"<dc:description>{_CALL}&lt;plaintext&gt;</dc:description>",
    (
        f"<wfw:commentRss>javascript:alert(1)</wfw:commentRss><slash:department>{_CALL}"
        "</slash:department>"
    ),
    "<atom:link rel='related' href='javascript:alert(1)' title='&quot;&gt;&lt;script&gt;'/>",
    (
        f"<atom:content type='xhtml'><div {_XHTML}><script>alert(1)</script><p onclick='x'/></div>"
        "</atom:content>"
    ),
    (
        f"<atom:contributor><atom:name>{_CALL}</atom:name><atom:uri>javascript:alert(1)</atom:uri>"
        "</atom:contributor>"
    ),
    "<x:page xmlns:x='urn:x' feedUrl='javascript:alert(1) ;' poster='vbscript:x y'>words</x:page>",
    "<x:link xmlns:x='urn:x'>javascript:alert(1) ;</x:link>",
    f"<x:a xmlns:x='urn:x' onclick='alert(1)' style='x'>{_CALL}<x:b>{_CALL}</x:b></x:a>",
    "<x:a xmlns:x='javascript:alert(1)'>words</x:a>",
    "<media:description>words &lt;textarea </media:description>",
    "<itunes:summary>words &lt;a title='</itunes:summary>",
    "<dc:description>words &lt;/p &lt;!</dc:description>",
    "<yandex:full-text>words \u202e &lt;plaintext </yandex:full-text>",
    "<x:div xmlns:x='urn:x' class='feedmirror-disclaimer' role='note'>words</x:div>",
    f"<unknown>{_CALL}</unknown><script>alert(1)</script>",
)
