"""The tests' own validator of RSS: each rule finds the mistake that is planted for it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from test_validity_of_formats import ATOM_MISTAKES, JSON_MISTAKES

from rules.dates import date_822_problem
from validity import FROM_ORIGIN, RULES, disclaimers, rss_problems

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SELF = "https://mirror.example.org/harbour/rss.xml"
GOOD = """<?xml version="1.0" encoding="utf-8"?>
<rss version="2.0" xml:lang="en"
  xmlns:atom="http://www.w3.org/2005/Atom"
  xmlns:content="http://purl.org/rss/1.0/modules/content/"
  xmlns:dc="http://purl.org/dc/elements/1.1/"
  xmlns:geo="http://www.w3.org/2003/01/geo/wgs84_pos#"
  xmlns:georss="http://www.georss.org/georss"
  xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd"
  xmlns:media="http://search.yahoo.com/mrss/"
  xmlns:slash="http://purl.org/rss/1.0/modules/slash/"
  xmlns:sy="http://purl.org/rss/1.0/modules/syndication/"
  xmlns:thr="http://purl.org/syndication/thread/1.0"
  xmlns:wfw="http://wellformedweb.org/CommentAPI/"
  xmlns:unheard="https://unheard.example/of">
<channel>
<title>The Harbour Gazette</title>
<link>https://gazette.example.org/</link>
<description>Tides, ferries &amp; the fish market</description>
<language>en-GB</language>
<copyright>The Harbour Gazette</copyright>
<managingEditor>editor@gazette.example.org (Ada Quay)</managingEditor>
<webMaster>web@gazette.example.org (Ben (Jr) Mole)</webMaster>
<pubDate>Sun, 01 Mar 2026 11:00:00 +0000</pubDate>
<lastBuildDate>Sun, 01 Mar 2026 13:00:00 +0200</lastBuildDate>
<category domain="https://topics.example.org/">harbours</category>
<category>ferries</category>
<generator>by hand</generator>
<docs>https://www.rssboard.org/rss-specification</docs>
<cloud domain="rpc.example.org" port="80" path="/RPC2" registerProcedure="x" protocol="soap"/>
<ttl>60</ttl>
<image><url>https://gazette.example.org/logo.png</url><title>The Harbour Gazette</title>
<link>https://gazette.example.org/</link><width>144</width><height>400</height></image>
<textInput><title>Find</title><description>Search</description><name>q</name>
<link>https://gazette.example.org/find</link></textInput>
<skipHours><hour>0</hour><hour>23</hour></skipHours>
<skipDays><day>Saturday</day><day>Sunday</day></skipDays>
<atom:link rel="self" type="application/rss+xml" href="https://mirror.example.org/harbour/rss.xml"/>
<sy:updatePeriod>hourly</sy:updatePeriod>
<sy:updateFrequency>2</sy:updateFrequency>
<itunes:explicit>false</itunes:explicit>
<itunes:type>episodic</itunes:type>
<itunes:image href="https://gazette.example.org/cover.jpg"/>
<itunes:owner><itunes:name>Ada</itunes:name><itunes:email>ada@example.org</itunes:email></itunes:owner>
<item>
<title>Ferry runs late</title>
<link>https://gazette.example.org/ferry?a=1&amp;b=2</link>
<description>
&lt;p&gt;Fog, says &lt;a href="https://port.example.org/"&gt;the port&lt;/a&gt;.&lt;/p&gt;
</description>
<author>ada@gazette.example.org (Ada Quay)</author>
<comments>https://gazette.example.org/ferry#comments</comments>
<enclosure url="https://gazette.example.org/fog.mp3" length="0" type="audio/mpeg"/>
<guid>https://gazette.example.org/ferry</guid>
<pubDate>Sun, 01 Mar 2026 03:30:00 EST</pubDate>
<source url="https://wire.example.org/rss">The Wire</source>
<content:encoded>&lt;p&gt;Fog. &lt;img src="https://gazette.example.org/f.png" alt=""
srcset="https://gazette.example.org/f.png 1x, https://gazette.example.org/g.png 2x"&gt;&lt;/p&gt;
</content:encoded>
<slash:comments>3</slash:comments>
<thr:total>3</thr:total>
<wfw:commentRss>https://gazette.example.org/ferry/rss</wfw:commentRss>
<georss:point>53.5 -0.5</georss:point>
<geo:lat>53.5</geo:lat><geo:long>-0.5</geo:long>
<itunes:duration>1:02:03</itunes:duration>
<itunes:summary>Fog on the river</itunes:summary>
<media:group>
<media:content url="https://gazette.example.org/f.mp4" fileSize="9" medium="video" duration="4.5"/>
<media:content url="https://gazette.example.org/f.webm" type="video/webm"/>
</media:group>
<media:description type="plain">Fog</media:description>
<unheard:of what="ever"><unheard:thing/></unheard:of>
</item>
<item>
<title>Herring is back</title>
<link>https://gazette.example.org/herring</link>
<guid isPermaLink="false">herring-2026</guid>
<pubDate>Sun, 01 Mar 2026 09:00:00 GMT</pubDate>
<dc:creator>Cy Net</dc:creator>
</item>
</channel>
</rss>
"""


def rules_broken(document: str | bytes, self_url: str = SELF) -> set[str]:
    raw = document.encode() if isinstance(document, str) else document
    problems = rss_problems(raw, self_url=self_url, now=NOW)
    return {problem.split()[0] for problem in problems}


def mistaken(old: str, new: str) -> str:
    """Return the good document with a mistake in place of the first `old`."""
    assert old in GOOD
    return GOOD.replace(old, new, 1)


ENCLOSURE = '<enclosure url="https://gazette.example.org/fog.mp3" length="0" type="audio/mpeg"/>'
SELF_LINK = f'<atom:link rel="self" type="application/rss+xml" href="{SELF}"/>'
FERRY = "<guid>https://gazette.example.org/ferry</guid>"
LINK = "<link>https://gazette.example.org/herring</link>"
DATE = "<pubDate>Sun, 01 Mar 2026 09:00:00 GMT</pubDate>"
BODY = "Fog, says"
END = "<dc:creator>Cy Net</dc:creator>"
# What is replaced, by what, and the rule that is broken then.
MISTAKES = [
    ('<?xml version="1.0" encoding="utf-8"?>\n', "", "xml-declaration"),
    ('encoding="utf-8"', 'encoding="us-ascii"', "xml-declaration"),
    ("<?xml", "\n<?xml", "xml-declaration well-formed"),
    ("Tides, ferries &amp;", "Tides, ferries &", "well-formed"),
    ("</channel>", "", "well-formed"),
    ("<dc:creator>Cy Net</dc:creator>", "<no:creator>Cy</no:creator>", "well-formed"),
    ("Herring", "Herr\x0bing", "well-formed"),
    ("<rss ", "<!DOCTYPE rss>\n<rss ", "doctype"),
    ('version="2.0"', 'version="0.92"', "root"),
    ("</channel>", "</channel><channel/>", "channel missing self-missing"),
    ("</channel>", "</channel><item/>", "channel"),
    ("Herring", "Herr\x85ing", "character"),
    ("Herring", "Herr\ufdd0ing", "character"),
    ('what="ever"', 'what="\x92"', "character"),
    ("<ttl>60</ttl>", "<ttl>60</ttl><summary>x</summary>", "undefined-element"),
    ("<generator>", "<publisher>x</publisher><generator>", "undefined-element"),
    (END, "<creator>Cy</creator>", "undefined-element"),
    ("<media:group>", "<media:group><thing/>", "undefined-element"),
    ("<width>", "<depth>3</depth><width>", "undefined-element"),
    (END, '<title xmlns="http://purl.org/rss/1.0/">x</title>', "rss-namespace"),
    (LINK, LINK + LINK, "double"),
    (DATE, DATE + DATE, "double"),
    ("<ttl>60</ttl>", "<ttl>60</ttl><ttl>60</ttl>", "double"),
    (LINK, LINK.replace("<link", '<link rel="x"'), "attribute"),
    ('<rss version="2.0"', '<rss version="2.0" id="x"', "attribute"),
    ("<item>", '<item unheard:x="1">', "extension-attribute"),
    ("Herring is back", "Herring <b>is</b> back", "child-element"),
    (END, "loose words", "stray-text"),
    ("<title>The Harbour Gazette</title>", "", "missing"),
    ("<link>https://gazette.example.org/</link>", "", "missing"),
    ("<description>Tides, ferries &amp; the fish market</description>", "", "missing"),
    ("<url>https://gazette.example.org/logo.png</url>", "", "missing"),
    ("<name>q</name>", "", "missing"),
    ("<title>Herring is back</title>", "<title> </title>", "blank"),
    ("<category>ferries</category>", "<category/>", "blank"),
    (FERRY, "<guid/>", "blank"),
    ("</channel>", "<rating>3</rating></channel>", "order"),
    (LINK, "<link>/herring</link>", "url-relative"),
    (LINK, "<link>gazette.example.org/herring</link>", "url-relative"),
    (LINK, "<link>https:/herring</link>", "url-relative"),
    (LINK, "<link>https://gazette.example.org/h erring</link>", "url-character"),
    (LINK, "<link>https://gazette.example.org/{id}|x</link>", "url-character"),
    (LINK, "<link>https://gazette.example.org/h\u00e9ring</link>", "url-not-ascii"),
    (LINK, "<link>javascript:alert(1)</link>", "url-scheme"),
    (LINK, "<link>data:text/html,x</link>", "url-scheme"),
    ("ada@gazette.example.org (Ada Quay)</author>", "Ada Quay</author>", "email"),
    ("editor@gazette.example.org (Ada Quay)", "Ada &lt;a@b.example&gt;", "email"),
    ("web@gazette.example.org (Ben (Jr) Mole)", "web@localhost (Ben)", "email"),
    ("ada@gazette.example.org (Ada Quay)", "ada@gazette.example.org", "email-without-name"),
    (DATE, "<pubDate>2026-03-01T09:00:00Z</pubDate>", "date-822"),
    (DATE, "<pubDate>Sun, 01 Mar 26 09:00:00 GMT</pubDate>", "date-822"),
    (DATE, "<pubDate>Sun, 30 Feb 2026 09:00:00 GMT</pubDate>", "date-822"),
    (DATE, "<pubDate/>", "date-822"),
    (DATE, "<pubDate>Mon, 01 Mar 2026 09:00:00 GMT</pubDate>", "date-day-name"),
    (DATE, "<pubDate>Sun, 01 Mar 2026 09:00:00 CET</pubDate>", "date-zone"),
    (DATE, "<pubDate>Sun, 01 Mar 2026 09:00:00 +1800</pubDate>", "date-zone"),
    (DATE, "<pubDate>Sun, 01 Mar 2026 09:00:00 +0017</pubDate>", "date-zone"),
    (DATE, "<pubDate>Sun, 01 Mar 2026 12:11:00 GMT</pubDate>", "date-future"),
    (DATE, "<pubDate>31 Dec 9999 23:59:59 -0500</pubDate>", "date-future"),
    (DATE, "<pubDate>Mon, 01 Jan 0001 00:00:00 +0000</pubDate>", "date-822"),
    (DATE, "<pubDate>Sat, 01 Jan 1972 00:00:00 +0000</pubDate>", "date-implausible"),
    ("<language>en-GB</language>", "<language>en_GB</language>", "language"),
    ("<language>en-GB</language>", "<language>xx</language>", "language"),
    ('xml:lang="en"', 'xml:lang="english"', "language"),
    ("Herring is back", "&lt;i&gt;Herring&lt;/i&gt; is back", "markup"),
    ("Herring is back", "Fish &amp;amp; chips", "reference"),
    ("Herring is back", "Fish &amp;#8212; chips", "reference"),
    ('type="plain">Fog', 'type="plain">&lt;b&gt;Fog&lt;/b&gt;', "markup"),
    ("<ttl>60</ttl>", "<ttl>0</ttl>", "ttl"),
    ("<hour>23</hour>", "<hour>24</hour>", "skip-hours"),
    ("<hour>23</hour>", "<hour>00</hour>", "skip-hours"),
    ("<hour>0</hour><hour>23</hour>", "", "skip-hours"),
    ("<day>Sunday</day>", "<day>Sonntag</day>", "skip-days"),
    ("<day>Sunday</day>", "<day>Saturday</day>", "skip-days"),
    (' protocol="soap"', "", "cloud"),
    ('port="80"', 'port="http"', "cloud"),
    ('protocol="soap"', 'protocol="carrier-pigeon"', "cloud"),
    ("<width>144</width>", "<width>145</width>", "image-size"),
    ("<height>400</height>", "<height>401</height>", "image-size"),
    ("<width>144</width>", "<width>wide</width>", "image-size"),
    ("logo.png</url><title>The", "logo.png</url><title>A", "image-match"),
    ("<title>Herring is back</title>", "", "item-empty"),
    (FERRY, "", "guid-missing"),
    ('<guid isPermaLink="false">herring-2026</guid>', FERRY, "guid-double"),
    ("<guid>", '<guid isPermaLink="yes">', "permalink-value"),
    ('<guid isPermaLink="false">', "<guid>", "permalink"),
    ('<guid isPermaLink="false">', '<guid isPermaLink="true">urn:', "permalink"),
    (' length="0"', "", "enclosure-attribute"),
    (' type="audio/mpeg"', "", "enclosure-attribute"),
    (' url="https://gazette.example.org/fog.mp3"', "", "enclosure-attribute"),
    (' length="0"', ' length="-1"', "enclosure-length"),
    (' length="0"', ' length="1.5 MB"', "enclosure-length"),
    ('type="audio/mpeg"', 'type="mp3"', "enclosure-type"),
    ('url="https://gazette.example.org/fog.mp3"', 'url="/fog.mp3"', "enclosure-url"),
    ('url="https://gazette.example.org/fog.mp3"', 'url="ftp://a.example/f"', "enclosure-url"),
    (ENCLOSURE, ENCLOSURE + ENCLOSURE, "enclosure-double"),
    (' url="https://wire.example.org/rss"', "", "source-url"),
    (END, "<dc:date>2026-03-01</dc:date>", "double-meaning"),
    ("<title>Herring is", "<content:encoded>x</content:encoded><title>Herring is",
     "content-without-description"),
    ("<title>Ferry", "<content:encoded>x</content:encoded><title>Ferry",
     "content-before-description foreign-double"),
    (BODY, "&lt;script src='https://x.example/'&gt;&lt;/script&gt;", "body-active"),
    (BODY, "&lt;iframe src='https://x.example/'&gt;&lt;/iframe&gt;", "body-active"),
    (BODY, "&lt;object data='https://x.example/'&gt;&lt;/object&gt;", "body-active"),
    (BODY, "&lt;i onclick='x()'&gt;x&lt;/i&gt;", "body-handler"),
    (BODY, "&lt;i style='color:red'&gt;x&lt;/i&gt;", "body-style"),
    (BODY, "&lt;a href='/tides'&gt;x&lt;/a&gt;", "body-relative"),
    (BODY, "&lt;a href='#note'&gt;x&lt;/a&gt;", "body-relative"),
    ("org/g.png 2x", "org/g.png 2x, /h.png 3x", "body-relative"),
    ('img src="https://gazette.example.org/', 'img src="//gazette.example.org/', "body-relative"),
    (BODY, "&lt;a href=' java&amp;#10;script:x'&gt;x&lt;/a&gt;", "body-scheme"),
    (SELF_LINK, "", "self-missing"),
    (SELF_LINK, SELF_LINK + SELF_LINK, "self-double"),
    (SELF, "https://gazette.example.org/rss", "self-mismatch"),
    ('rel="self" type="application/rss+xml"', 'rel="self" type="text/html"', "self-type"),
    (SELF_LINK, SELF_LINK + '<atom:link rel="hub"/>', "atom-link"),
    (SELF_LINK, SELF_LINK + f'<atom:link rel="myself" href="{SELF}"/>', "atom-link"),
    (SELF_LINK, SELF_LINK + f'<atom:link rel="hub" type="x" href="{SELF}"/>', "atom-link"),
    (SELF_LINK, SELF_LINK + f'<atom:link length="x" href="{SELF}"/>', "atom-link"),
    (SELF_LINK, SELF_LINK + f'<atom:link hreflang="x" href="{SELF}"/>', "atom-link"),
    (SELF_LINK, SELF_LINK.replace("/>", ">x</atom:link>"), "atom-link"),
    (END, "<atom:entry/>", "atom-element"),
    (END, "<atom:source><atom:id>https://a.example/</atom:id></atom:source>", "atom-element"),
    (END, "<atom:author><atom:name>A</atom:name></atom:author>" * 2, "atom-double"),
    (END, '<atom:rights type="xhtml">Free</atom:rights>', "atom-xhtml"),
    (END, '<t:deleted-entry xmlns:t="http://purl.org/atompub/tombstones/1.0"/>', "tombstone"),
    (SELF_LINK, SELF_LINK + '<p:guid xmlns:p="https://podcastindex.org/namespace/1.0">1</p:guid>',
     "podcast-guid"),
    (SELF_LINK, SELF_LINK + "<atom:updated>today</atom:updated>", "date-3339"),
    (SELF_LINK, SELF_LINK + "<atom:updated>2026-02-30T00:00:00Z</atom:updated>", "date-3339"),
    (DATE, "<dc:date>1 March</dc:date>", "date-w3cdtf"),
    (DATE, "<dc:date>2026-13</dc:date>", "date-w3cdtf"),
    (DATE, "<dc:date>2026-03-01T09:00:00</dc:date>", "date-w3cdtf"),
    (DATE, "<dc:date>1066</dc:date>", "date-implausible"),
    ("</sy:updatePeriod>", "</sy:updatePeriod><sy:updatePeriod>daily</sy:updatePeriod>",
     "foreign-double"),
    ("<wfw:commentRss>https:", "<wfw:commentRss>", "foreign-url"),
    ("<thr:total>3", "<thr:total>few", "foreign-number"),
    (END, "<itunes:episode>0</itunes:episode>", "foreign-number"),
    ('xmlns:thr="http://purl.org/', 'xmlns:thr="https://purl.org/', "reserved-prefix"),
    ("<itunes:explicit>false", "<itunes:explicit>clean", "itunes-explicit"),
    ("<itunes:explicit>false", "<itunes:explicit>no", "itunes-explicit"),
    ("1:02:03", "1:72:03", "itunes-duration"),
    ("1:02:03", "an hour", "itunes-duration"),
    ("<itunes:type>episodic", "<itunes:type>weekly", "itunes-value"),
    (END, "<itunes:category/>", "itunes-value"),
    (' href="https://gazette.example.org/cover.jpg"', "", "itunes-image"),
    ("<itunes:email>ada@example.org</itunes:email>", "", "itunes-owner"),
    ("Fog on the river", "Fog " * 1001, "itunes-length"),
    ("http://search.yahoo.com/mrss/", "http://search.yahoo.com/mrss", "media-namespace"),
    ('<media:content url="https://gazette.example.org/f.webm" type="video/webm"/>', "",
     "media-group"),
    ('fileSize="9"', 'fileSize="big"', "media-attribute"),
    ('medium="video"', 'medium="film"', "media-attribute"),
    (END, "<media:thumbnail/>", "media-attribute"),
    ("53.5 -0.5", "53.5, -0.5", "coordinates"),
    ("53.5 -0.5", "153.5 -0.5", "coordinates"),
    ("<geo:lat>53.5", "<geo:lat>north", "coordinates"),
    (END, "<geo:Point><geo:lat>1</geo:lat></geo:Point>", "coordinates"),
    (END, "<georss:line>1 2 3</georss:line>", "coordinates"),
    ("<sy:updatePeriod>hourly", "<sy:updatePeriod>often", "sy-period"),
    ("<sy:updateFrequency>2", "<sy:updateFrequency>0.5", "sy-frequency"),
    ("<slash:comments>3", "<slash:comments>-3", "slash-comments"),
    ("<lastBuildDate>Sun, 01 Mar 2026 13:00:00 +0200</lastBuildDate>", "",
     "slash-without-build-date"),
]  # fmt: skip


def test_good_document_has_no_problem():
    assert rss_problems(GOOD.encode(), self_url=SELF, now=NOW) == []


@pytest.mark.costly
@pytest.mark.parametrize(("old", "new", "rules"), MISTAKES)
def test_planted_mistake_breaks_its_rule_and_no_other(old: str, new: str, rules: str):
    assert rules_broken(mistaken(old, new)) == set(rules.split())


def test_every_rule_has_a_planted_mistake():
    planted = (*MISTAKES, *ATOM_MISTAKES, *JSON_MISTAKES)
    proven = {rule for _, _, rules in planted for rule in rules.split()}

    assert proven | {"encoding"} == set(RULES)
    assert set(RULES) > FROM_ORIGIN


def test_bytes_of_another_encoding_and_a_byte_order_mark_are_encoding_mistakes():
    accented = mistaken("Herring", "Héring")

    assert rules_broken(accented) == set()
    assert rules_broken(accented.encode("latin-1")) == {"encoding"}
    assert rules_broken(b"\xef\xbb\xbf" + GOOD.encode()) == {"encoding"}


def test_problem_names_its_place_and_the_mistake():
    document = mistaken(' length="0"', ' length="-1"')
    line = document[: document.index("<enclosure")].count("\n") + 1

    assert rss_problems(document.encode(), self_url=SELF, now=NOW) == [
        f"enclosure-length at /rss/channel/item[1]/enclosure (line {line}): '-1'"
    ]


def test_self_link_is_not_compared_if_the_address_is_unknown():
    assert rss_problems(GOOD.encode(), now=NOW) == []


@pytest.mark.parametrize(
    "date",
    [
        "Sun, 01 Mar 2026 09:00:00 +0545",
        "Sun, 1 Mar 2026 09:00:00 Z",
        "01 Mar 2026 04:00 PDT",
        "Sun, 01 Mar 2026 12:10:00 +0000",
        "Thu, 29 Feb 2024 23:59:59 -0330",
    ],
)
def test_date_of_rfc_822_is_accepted_in_all_valid_forms(date: str):
    assert date_822_problem(date, NOW) is None


BLOCK = "&lt;p class='note feedmirror-disclaimer'&gt;A mirror says so.&lt;/p&gt;"
DISCLAIMED = f"""<?xml version="1.0" encoding="utf-8"?>
<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"
  xmlns:m="http://search.yahoo.com/mrss/" xmlns:y="http://news.yandex.ru"
  xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd"><channel>
<item><title>Both</title><description>Fog{BLOCK}</description>
<content:encoded><![CDATA[<p>Fog</p><p class="feedmirror-disclaimer">A mirror
  says so.</p><p class="feedmirror-disclaimer">A mirror says so.</p>]]></content:encoded></item>
<item><description>Fog</description><y:full-text>Fog. A mirror says so.</y:full-text>
<m:group><m:content><m:description>Fog</m:description></m:content>
<m:description type="html">&lt;b&gt;Fog&lt;/b&gt; A &lt;i&gt;mirror&lt;/i&gt; says so.
</m:description>
</m:group><itunes:summary>A mirror says so.</itunes:summary></item>
<item><title>No body at all</title></item></channel></rss>""".encode()


def test_disclaimers_are_counted_in_each_body_of_each_item():
    assert disclaimers(DISCLAIMED, sentence="A mirror says so.") == [
        {"description": 1, "content:encoded": 2},
        {
            "description": 0,
            "yandex:full-text": 1,
            "media:description": 0,
            "media:description[2]": 1,
            "itunes:summary": 1,
        },
        {},
    ]


def test_disclaimer_of_another_class_or_with_other_words_does_not_count():
    other_class = disclaimers(DISCLAIMED, "other")
    other_words = disclaimers(DISCLAIMED, sentence="Somebody else says so.")

    assert not any(count for item in other_class for count in item.values())
    assert not any(count for item in other_words for count in item.values())


@pytest.mark.parametrize(
    "swallowed",
    [
        "<!-- {}",
        "<textarea>{}",
        "<template>{}</template>",
        "<details><summary>x</summary>{}",
        "<div hidden>{}",
        "<div style='display:none'>{}</div>",
        "<plaintext>{}",
        "<style>{}</style>",
        "<a title='{}",
    ],
)
def test_hidden_disclaimer_does_not_count(swallowed: str):
    block = '<p class="feedmirror-disclaimer">A mirror says so.</p>'
    body = swallowed.format(block).replace("]]>", "")
    start, end = DISCLAIMED.index(b"<![CDATA["), DISCLAIMED.index(b"]]>")
    document = DISCLAIMED[: start + 9] + body.encode() + DISCLAIMED[end:]

    assert disclaimers(document)[0]["content:encoded"] == 0
    assert disclaimers(document, sentence="A mirror says so.")[0]["content:encoded"] == 0


def test_disclaimer_in_a_comment_of_an_extension_element_does_not_count():
    hidden = DISCLAIMED.replace(b"Fog. A mirror says so.", b"Fog. &lt;!-- A mirror says so.")

    assert disclaimers(hidden, sentence="A mirror says so.")[1]["yandex:full-text"] == 0
