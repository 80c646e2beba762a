"""Bodies on pages: rewriting keeps their words, balances their tags and makes them accessible."""

from __future__ import annotations

import re
from itertools import cycle

import nh3
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cpu_time import within
from feedmirror.model import Images
from feedmirror.publishing.pages.body import notice_block, rewrite_body
from feedmirror.text.html_tokens import TAGS, Anchors
from feedmirror.text.plain import words_of
from feedmirror.text.sanitize import clean
from html_markup import MARKUP, VOID
from rules.bodies import parse_body

BASE = "https://a.example.org/posts/"
EVERY_ATTRIBUTE = {name: {"class", "role", "tabindex", "aria-label"} for name in TAGS}


def shown(body: str, images: Images = Images.ORIGIN) -> str:
    return rewrite_body(clean(body, BASE), images)


def inside(markup: str) -> str:
    """Return the HTML without the attributes that all links, pictures and wide elements have."""
    usual = (
        ' rel="noopener noreferrer"',
        ' loading="lazy" decoding="async" referrerpolicy="no-referrer"',
        ' role="group" tabindex="0"',
    )
    for attributes in usual:
        markup = markup.replace(attributes, "")
    return markup


def is_balanced(markup: str) -> bool:
    stack: list[str] = []
    for end, name in re.findall(r"<(/?)([a-z0-9]+)[^<>]*>", markup):
        if not end and name not in VOID:
            stack.append(name)
        elif end and (not stack or stack.pop() != name):
            return False
    return not stack


# ---------------------------------------------------------------- whatever comes in

# Nothing in it has a word that a page adds one to, or takes one from.
WITHOUT_SUMMARIES = MARKUP.filter(lambda body: "summary" not in body)


@given(WITHOUT_SUMMARIES)
@example("<ul>a<ul>b<li>c</ul></ul><li>d")
@example("<dl>a<dt>b<dd>c</dl><dd>d")
@example("<h1>a<h5>b<h2></h2>")
@example("<font color=red><ul><font>a<li>b")
def test_rewriting_a_body_keeps_its_words(body: str) -> None:
    cleaned = clean(body, BASE)
    made = rewrite_body(cleaned, Images.ORIGIN)
    without = re.sub(r"<img\b[^<>]*>", "", cleaned)
    assert re.sub(r"<[^<>]*>", "", made) == re.sub(r"<[^<>]*>", "", without)


@pytest.mark.row("R3")
@given(MARKUP, st.sampled_from(Images))
def test_html_after_a_body_stays_outside_of_the_body(body: str, images: Images) -> None:
    made = rewrite_body(clean(body, BASE), images)
    assert is_balanced(made)
    # nh3 reads as browsers do, and writes what it read.
    read = nh3.clean(f"{made}<b>the end</b>", tags=set(TAGS), attributes=EVERY_ATTRIBUTE)
    assert read.endswith("<b>the end</b>")
    assert is_balanced(read)


@given(st.text(alphabet="<>/='\" abdhilptu1&;!-\n", max_size=200))
@example("<a b='>")
@example("<<p>>")
@example("</p></div></article>")
def test_unsanitised_html_is_rewritten_balanced(markup: str) -> None:
    assert is_balanced(rewrite_body(markup, Images.ORIGIN))


@given(MARKUP)
def test_lists_hold_items_only_and_items_are_in_lists_only(body: str) -> None:
    root = parse_body(shown(body))
    assert root.xpath("//li[not(parent::ul or parent::ol or parent::menu)]") == []
    assert root.xpath("//ul/*[not(self::li)] | //ol/*[not(self::li)]") == []
    assert "".join(root.xpath("//ul/text() | //ol/text() | //dl/text()")).strip() == ""
    assert root.xpath("//dt[not(parent::dl)] | //dd[not(parent::dl)]") == []
    assert root.xpath("//dl/*[not(self::dt or self::dd)]") == []
    assert root.xpath("//a//a") == []


@given(MARKUP)
def test_rewriting_a_body_again_keeps_its_words(body: str) -> None:
    made = shown(body)
    # What scrolls is put into something that does, each time.
    if "<table" not in made and "<pre" not in made:
        assert words_of(rewrite_body(made, Images.ORIGIN)) == words_of(made)


MONSTERS = {
    "divisions": "<div>" * 50_000,
    "lists": "<ul>" * 30_000 + "x",
    "items": "<ul><li>" * 30_000,
    "links in a summary": "<details><summary>" + '<a href="x">' * 20_000,
    "terms": "<dl>x" * 30_000 + "</dl>" * 30_000,
    "headings": "<h1>" * 50_000,
    "tables": "<table><tr><td>" * 15_000,
    "pictures in a link": '<a href="x">' + '<img src="y">' * 17_000,
    "quotes": "<b x='>" * 35_000,
    "half a tag": '<p title="' * 25_000,
    "brackets": "<" * 250_000,
    "ends": "</p>" * 60_000,
}


@pytest.mark.row("R5")
@pytest.mark.slow
@pytest.mark.parametrize(("monster", "images"), [*zip(MONSTERS, cycle(Images), strict=False)])
def test_rewriting_any_body_takes_linear_time(monster: str, images: Images) -> None:
    body = MONSTERS[monster]
    usual = "<p>words, <b>strong</b> ones</p>" * (len(body) // 320)  # a tenth of that
    # Quadratic is a hundred times as much.
    made = within(
        1_000, lambda: rewrite_body(body, images), than=lambda: rewrite_body(usual, images)
    )
    assert is_balanced(made)


# ---------------------------------------------------------------- structure


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("<li>a</li>", "<div>a</div>"),
        ("<ul>a<li>b</li></ul>", '<ul><li class="bare">a</li><li>b</li></ul>'),
        (
            "<ul><li>a</li><ul><li>b</li></ul></ul>",
            '<ul><li>a</li><li class="bare"><ul><li>b</li></ul></li></ul>',
        ),
        ("<ul>\n<li>a</li>\n</ul>", "<ul>\n<li>a</li>\n</ul>"),
        ("<dl><dt>a</dt><dd>b</dd></dl>", "<dl><dt>a</dt><dd>b</dd></dl>"),
        ("<dl><div><dt>a</dt><dd>b</dd></div></dl>", "<dl><dt>a</dt><dd>b</dd></dl>"),
        ("<dl><dd>a</dd></dl>", "<dl><dd>a</dd></dl>"),
        ("<dl>a<dt>b</dt><dd>c</dd></dl>", "<dl><dd>a</dd><dt>b</dt><dd>c</dd></dl>"),
        ("<dd>a</dd>", "<div>a</div>"),
        ("<main>a</main><nav>b</nav>", "<div>a</div><div>b</div>"),
        ('<font color="red">a</font>', "a"),
    ],
)
def test_other_content_of_lists_gets_an_item_and_items_outside_become_divisions(
    body: str, expected: str
) -> None:
    assert rewrite_body(body, Images.ORIGIN) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("<h1>a</h1><h2>b</h2><h1>c</h1>", "h2 h3 h2"),
        ("<h3>a</h3><h4>b</h4>", "h2 h3"),
        ("<h2>a</h2><h5>b</h5><h5>c</h5><h4>d</h4>", "h2 h3 h3 h3"),
        ("<h1>a</h1><h2></h2><h3>b</h3>", "h2 h3"),
        ("<h1>a</h1><h2>b</h2><h3>c</h3><h4>d</h4><h5>e</h5><h6>f</h6>", "h2 h3 h4 h5 h6 h6"),
    ],
)
def test_headings_are_below_the_pages_own_and_skip_no_level(body: str, expected: str) -> None:
    assert " ".join(re.findall(r"<(h\d)", rewrite_body(body, Images.ORIGIN))) == expected


def test_of_an_empty_heading_the_content_stays() -> None:
    assert inside(shown("<h2><img src=/a.png></h2>")) == (
        '<img src="https://a.example.org/a.png" alt="">'
    )


def test_meaningless_attributes_are_dropped() -> None:
    body = (
        '<p lang="xx">a</p><p lang="de_DE">b</p><p lang="eng">c</p><p lang="english">d</p>'
        '<table><tr><th headers="x" scope="foo" colspan="2">e</th><th scope="col">f</th></table>'
    )
    made = shown(body)
    assert re.findall(r"<p ?([^>]*)>", made) == ["", 'lang="de-DE"', 'lang="en"', ""]
    assert re.findall(r"<th ([^>]*)>", made) == ['colspan="2"', 'scope="col"']


def test_wide_content_can_be_scrolled_by_keyboard() -> None:
    made = shown("<pre>a</pre><table><tr><td><table><tr><td>b</table></table>")
    assert made.startswith('<pre role="group" tabindex="0" aria-label="Preformatted text">')
    assert made.count('<div class="wide" role="group" tabindex="0" aria-label="Table">') == 1


def test_the_first_line_break_of_preformatted_text_stays() -> None:
    assert parse_body(shown("<pre>\n\na</pre>")).text_content() in {"\na", "\n\na"}


def test_a_link_in_a_summary_stays_there() -> None:
    made = inside(shown("<details><summary>a <a href=/b>c</a></summary>d</details>"))
    assert made == (
        '<details><summary>a <a href="https://a.example.org/b">c</a></summary>d</details>'
    )


def test_an_empty_summary_gets_a_word() -> None:
    assert shown("<details><summary> </summary>a</details>").startswith(
        "<details><summary> Details</summary>"
    )


def test_a_summary_outside_of_details_becomes_a_division() -> None:
    assert shown("<summary>a</summary>") == "<div>a</div>"


# ---------------------------------------------------------------- links and pictures


def test_an_empty_link_is_dropped() -> None:
    assert shown("a<a href=/b>&nbsp;\u200b</a>c") == "a&nbsp;\u200bc"


def test_a_link_with_a_picture_only_has_a_label() -> None:
    made = shown("<a href=/b/c.jpg><img src=/d.png></a> <a href=/e><img src=/f.png alt=' '></a>")
    assert re.findall(r'aria-label="([^"]*)"', made) == ["Picture: c.jpg", "To a.example.org"]


def test_a_link_with_a_picture_that_has_alternative_text_gets_no_label() -> None:
    assert "aria-label" not in shown("<a href=/b><img src=/d.png alt='A pier'></a>")


def test_pictures_load_lazily_and_without_a_referrer() -> None:
    assert shown('<img src="/a.png" loading="eager" alt=" ">') == (
        '<img src="https://a.example.org/a.png" loading="lazy" alt="" decoding="async" '
        'referrerpolicy="no-referrer">'
    )


def test_a_picture_of_one_pixel_is_left_out() -> None:
    assert shown('a<img src="/count.gif" width="1" height="1">') == "a"


def test_a_picture_without_an_address_becomes_its_alternative_text() -> None:
    assert shown('<img alt="A &lt; B">') == "A &lt; B"


def test_areas_of_an_image_map_have_labels() -> None:
    made = shown('<map name="m"><area href="/a" alt=""><area href="/b" alt="B"></map>')
    assert re.findall(r'alt="([^"]*)"', made) == ["a.example.org", "B"]


def test_sounds_and_films_load_only_when_they_are_played() -> None:
    waiting = 'controls="" preload="none"'
    made = shown('<video src="/a.mp4" poster="/p.png"></video><audio src="/b.mp3"></audio>')
    assert re.findall(r"<(?:video|audio)([^>]*)>", made) == [
        ' src="https://a.example.org/a.mp4" poster="https://a.example.org/p.png" ' + waiting,
        ' src="https://a.example.org/b.mp3" ' + waiting,
    ]


def linked(body: str) -> str:
    return inside(shown(body, Images.NONE))


def test_without_pictures_a_picture_becomes_a_link() -> None:
    assert linked("<img src=/a.png alt='A pier'><img src=/b%20c.png>") == (
        '<a class="picture" href="https://a.example.org/a.png">A pier</a>'
        '<a class="picture" href="https://a.example.org/b%20c.png">b c.png</a>'
    )


def test_a_picture_of_several_sizes_is_one_link() -> None:
    body = '<picture><source srcset="/a.webp 2x"><img srcset="/a.png 2x, /b.png" alt="q"></picture>'
    assert linked(body) == '<a class="picture" href="https://a.example.org/a.png">q</a>'


def test_a_picture_in_a_link_becomes_its_caption_and_a_link_after_it() -> None:
    assert linked("<a href=/b><img src=/a.png alt=A></a>") == (
        '<a href="https://a.example.org/b">A</a> '
        '<a class="picture" href="https://a.example.org/a.png">A</a>'
    )


def test_a_picture_in_a_link_to_itself_is_one_link() -> None:
    assert linked("<a href=/a.png><img src=/a.png alt=A></a>") == (
        '<a href="https://a.example.org/a.png">A</a>'
    )


def test_a_poster_becomes_a_link_after_its_film() -> None:
    assert linked('<video src="/a.mp4" poster="/p.png"></video>').endswith(
        '</video><a class="picture" href="https://a.example.org/p.png">p.png</a>'
    )


@pytest.mark.row("R8")
@given(MARKUP)
def test_without_pictures_no_element_loads_one(body: str) -> None:
    made = shown(body, Images.NONE)
    assert not re.search(r"<(?:img|picture|area)\b|\sposter=", made)
    outside = re.sub(r"<(audio|video)\b.*?</\1>", "", made, flags=re.DOTALL)
    assert "<source" not in outside


# ---------------------------------------------------------------- the notice


def test_unclosed_html_of_the_operator_is_closed() -> None:
    made = notice_block(
        '<div class="feedmirror-disclaimer" role="note"><!-- x --><b/>a<br/>b</div>'
    )
    assert made == ('<div class="feedmirror-disclaimer" role="note" dir="auto"><b></b>a<br>b</div>')


# ---------------------------------------------------------------- places, pictures of dots

PAGE = "https://a.example.org/7"


def _on_page(body: str) -> str:
    made = clean(body, BASE, PAGE)
    return rewrite_body(made, Images.ORIGIN, Anchors.of(made, [PAGE]))


def test_links_to_places_in_the_article_stay_on_its_page() -> None:
    made = _on_page('<a href="#n.1">1</a><hr><ol><li id="n.1">a <a href="/7#n.1">b</a></li></ol>')
    assert made.count('href="#in-n.1"') == 2
    assert '<li id="in-n.1">' in made
    assert '<span id="in-top"></span>' in _on_page('<a name="top"></a><a href="#top">up</a>')
    assert 'href="#in-fu\xdf"' in _on_page('<a href="#fu%C3%9F">1</a><p id="fu\xdf">a</p>')


def test_links_to_places_on_other_pages_stay_absolute() -> None:
    made = _on_page('<a href="#gone">1</a><a href="/8#n1">2</a><p id="n1">a</p>')
    assert f'href="{PAGE}#gone"' in made
    assert 'href="https://a.example.org/8#n1"' in made
    assert " id=" not in made


def test_an_inline_picture_is_shown_even_without_pictures() -> None:
    dots = "data:image/png;base64,iVBORw0KGgo="
    for images in Images:
        assert f'<img src="{dots}"' in shown(f'<img src="{dots}" alt="x">', images)
