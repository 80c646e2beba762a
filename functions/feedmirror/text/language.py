"""Language tags (BCP 47): normalise those of origins and settings."""

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
# Codes of three letters, and the code of two letters that is to be used instead.
# Source: RFC 5646 §2.2.1
_PAIRS = (
    "ara=ar ces=cs chi=zh cze=cs dan=da deu=de dut=nl ell=el eng=en fas=fa fin=fi fra=fr fre=fr "
    "ger=de gre=el heb=he hin=hi hun=hu ita=it jpn=ja kor=ko nld=nl nor=no per=fa pol=pl por=pt "
    "ron=ro rum=ro rus=ru spa=es swe=sv tur=tr ukr=uk urd=ur vie=vi zho=zh"
)
_SHORTEST = dict(pair.split("=") for pair in _PAIRS.split())
# Source: RFC 5646 §2.1, "langtag". Grandfathered tags and those of private use alone are left out:
# a screen reader knows none of these tags. A string, which `re` compiles at its first use: most
# runs without new entries parse no language.
_TAG = (
    r"(?P<primary>[a-z]{2,3})(?:-[a-z]{3}){0,3}"
    r"(?:-[a-z]{4})?"  # script
    r"(?:-(?:[a-z]{2}|[0-9]{3}))?"  # region
    r"(?:-(?:[a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*"  # variants
    r"(?:-[0-9a-wy-z](?:-[a-z0-9]{2,8})+)*"  # extensions
    r"(?:-x(?:-[a-z0-9]{1,8})+)?"
)


def language_tag(text: str | None) -> str | None:
    """Return `text` as a language tag, or None if `text` names no language.

    A locale like `en_US` becomes `en-US`; the shortest code of a language is used. Letters keep
    their case, which has no meaning. Only the first subtag must be registered.
    """
    tag = (text or "").strip().replace("_", "-")
    match = re.fullmatch(_TAG, tag, re.IGNORECASE | re.ASCII)
    if not match:
        return None
    primary = match["primary"].lower()
    if len(primary) == 2 and primary not in _TWO_LETTERS:
        return None
    return _SHORTEST[primary] + tag[len(primary) :] if primary in _SHORTEST else tag
