"""Which language a text says it is in, and which way it runs."""

from __future__ import annotations

import re
from unicodedata import bidirectional

# Source: ISO 639-1, and the older codes of Hebrew, Indonesian and Yiddish that are still in use.
_TWO_LETTERS = frozenset(
    "aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy "
    "da de dv dz ee el en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu "
    "hy hz ia id ie ig ii ik in io is it iu iw ja ji jv ka kg ki kj kk kl km kn ko kr ks ku kv kw "
    "ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne ng nl nn no nr nv ny "
    "oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr ss st "
    "su sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh "
    "zu".split()
)
# Codes of three letters for languages that have one of two: that is the one to use.
# Source: RFC 5646 §2.2.1
_PAIRS = (
    "ara=ar ces=cs chi=zh cze=cs dan=da deu=de dut=nl ell=el eng=en fas=fa fin=fi fra=fr fre=fr "
    "ger=de gre=el heb=he hin=hi hun=hu ita=it jpn=ja kor=ko nld=nl nor=no per=fa pol=pl por=pt "
    "ron=ro rum=ro rus=ru spa=es swe=sv tur=tr ukr=uk urd=ur vie=vi zho=zh"
)
_MENDED = dict(pair.split("=") for pair in _PAIRS.split())
_TAG = re.compile(r"([a-z]{2,3})(?:-[a-z0-9]{2,8})*", re.IGNORECASE)  # BCP 47, roughly
_FROM_THE_RIGHT = frozenset(
    "ar arc azb ckb dv fa glk he iw ji ks lrc mzn nqo pnb ps sd syr ug ur yi".split()
)
_LATIN = re.compile("[A-Za-z]")
_LOOKED_AT = 1_000  # characters of a text, to tell which way it runs


def tag_of(said: str | None) -> str | None:
    """The tag of a language, `en_US` mended; None for what is none, as a screen reader needs it."""
    tag = (said or "").strip().replace("_", "-")
    found = _TAG.fullmatch(tag)
    if not found or (len(found[1]) == 2 and found[1].lower() not in _TWO_LETTERS):
        return None
    primary = found[1].lower()
    return _MENDED.get(primary, found[1]) + tag[len(primary) :]


def direction(text: str, tag: str | None) -> str:
    """`rtl` or `ltr`: the way most letters run, whatever language is claimed. Without letters, the
    way of the language.

    Not `dir="auto"`, which goes by the first letter: an Urdu title may begin with a Latin name.
    """
    # One letter of Latin decides where there is nothing but ASCII, as nearly always.
    looked_at = "a" if text.isascii() and _LATIN.search(text) else text[:_LOOKED_AT]
    kinds = [bidirectional(letter) for letter in looked_at]
    right, left = sum(kind in {"R", "AL"} for kind in kinds), kinds.count("L")
    if right == left:
        return "rtl" if tag and tag.lower().partition("-")[0] in _FROM_THE_RIGHT else "ltr"
    return "rtl" if right > left else "ltr"
