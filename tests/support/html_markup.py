"""Pieces of HTML, whole and broken."""

from __future__ import annotations

from hypothesis import strategies as st

VOID = frozenset("area base br col embed hr img input link meta param source track wbr".split())
PIECES = st.sampled_from(
    "a b p div span ul li table tr td th tbody caption font pre h1 br img hr svg math mi mtext "
    "style script title textarea select option button form iframe object embed noscript template "
    "xmp plaintext noembed marquee details summary ruby rt dl dt dd section center frameset input "
    "foreignObject desc annotation-xml mglyph col colgroup video source audio nobr body html head "
    "blockquote".split()
)
ATTRIBUTES = st.sampled_from(
    [
        "",
        " href=x",
        " href='javascript:x'",
        " src=/a.png",
        " onclick=x",
        " style='a'",
        " title='<b>'",
        ' title="a>b"',
        " id=x",
        " color=red",
        " srcset='a 1x, b 2x'",
        " data=/b",
        " open",
        " '",
        ' "',
        " encoding='text/html'",
        " lang=de",
        " =",
        " /",
    ]
)
TEXTS = st.sampled_from(
    [
        "word",
        " ",
        "\n",
        "&amp;",
        "&lt;b&gt;",
        "<",
        ">",
        "&",
        "<!--",
        "-->",
        "<![CDATA[",
        "]]>",
        "<?",
        "<!DOCTYPE html>",
        "\x00",
        "\ufffe",
        "é",
        "'",
        '"',
        "--!>",
        "</",
        "&#x3c;",
        "&nbsp",
        "<!>",
    ]
)
MARKUP = st.lists(
    st.one_of(
        st.builds("<{}{}>".format, PIECES, ATTRIBUTES),
        st.builds("</{}>".format, PIECES),
        TEXTS,
    ),
    max_size=14,
).map("".join)
