"""Language tags, as every document and page writes them."""

from __future__ import annotations

import re

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
_SHORTEST = dict(pair.split("=") for pair in _PAIRS.split())
# Source: RFC 5646 §2.1, "langtag". Tags of private use alone and grandfathered ones are left out:
# they mean nothing to a screen reader. Compiled at the first use: most runs that find nothing new
# look at no language.
_TAG = (
    r"(?P<primary>[a-z]{2,3})(?:-[a-z]{3}){0,3}"
    r"(?:-[a-z]{4})?"  # script
    r"(?:-(?:[a-z]{2}|[0-9]{3}))?"  # region
    r"(?:-(?:[a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*"  # variants
    r"(?:-[0-9a-wy-z](?:-[a-z0-9]{2,8})+)*"  # extensions
    r"(?:-x(?:-[a-z0-9]{1,8})+)?"
)


def language_tag(said: str | None) -> str | None:
    """Return the language tag that `said` means, or None for what names no language.

    `en_US`, as programs write locales, means `en-US`; of a language's codes the shortest is used.
    Letters keep their case, which has no meaning. Subtags but the first need not be registered.
    """
    tag = (said or "").strip().replace("_", "-")
    found = re.fullmatch(_TAG, tag, re.IGNORECASE | re.ASCII)
    if not found:
        return None
    primary = found["primary"].lower()
    if len(primary) == 2 and primary not in _TWO_LETTERS:
        return None
    return _SHORTEST[primary] + tag[len(primary) :] if primary in _SHORTEST else tag
