# ruff: noqa: RUF001 - letters of other alphabets
"""Dates: parse every spelling that feeds use, render those of RFC 822 and RFC 3339.

A date is parsed completely or not at all. A spelling that is neither of RFC 822 nor of RFC 3339 is
accepted where it can mean one moment only.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import cache

# Hours east of UTC, where the IANA database 2026f gives an abbreviation to one offset, and the four
# zones of the United States as RFC 822 §5.1 defines them. SST (Samoa, Singapore) is left out. The
# single letters of RFC 822 but Z are unknown by RFC 5322 §4.3, since they were used both ways.
_HOURS = {
    "UTC": 0, "GMT": 0, "UT": 0, "Z": 0,
    "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7,
    "AKST": -9, "AKDT": -8, "HST": -10, "HDT": -9, "AST": -4, "ADT": -3, "NST": -3.5, "NDT": -2.5,
    "WET": 0, "WEST": 1, "BST": 1, "CET": 1, "CEST": 2, "EET": 2, "EEST": 3, "MSK": 3,
    "MET": 1, "MEST": 2, "MEZ": 1, "MESZ": 2,
    "WAT": 1, "CAT": 2, "EAT": 3, "SAST": 2, "IDT": 3,
    "PKT": 5, "WIB": 7, "WITA": 8, "WIT": 9, "HKT": 8, "SGT": 8, "JST": 9, "KST": 9,
    "AWST": 8, "ACST": 9.5, "ACDT": 10.5, "AEST": 10, "AEDT": 11, "CHST": 10,
    "NZST": 12, "NZDT": 13,
}  # fmt: skip
# Other meanings of an abbreviation, accepted only beside an offset (`+0800 CST`).
_OTHER_MEANINGS = {"CST": (8, -5), "CDT": (-4,), "PST": (8,), "IST": (5.5, 2, 1), "BST": (6,)}
# Standard time or daylight saving time, by the date.
_GENERIC = {
    "ET": "America/New_York",
    "CT": "America/Chicago",
    "MT": "America/Denver",
    "PT": "America/Los_Angeles",
}
_ORIGINS = ("GMT", "UTC", "UT")
# Patterns are strings, which `re` compiles at their first use: many importers parse no date.
# A comment of RFC 822 §3.4.3 as JavaScript writes the zone's name in it; a name as in RFC 9557.
_COMMENTED = r"([^()\[\]]*?) ?(?:\(([^()]*)\)|\[([^\[\]]*)\])?"
_OFFSET = (
    r"(?:(?P<before>[A-Za-z]+) ?)?"
    r"(?P<sign>[+-])(?:(?P<hh>[0-9]{2})(?P<mm>[0-9]{2})|(?P<h>[0-9]{1,2})(?::(?P<m>[0-9]{2}))?)"
    r"(?: (?P<after>[A-Za-z]+|[+-][0-9]{2,4}))?"
)
_IANA = r"[A-Za-z]+(?:/[A-Za-z][A-Za-z0-9_+-]*){1,2}"


def to_utc(local: datetime, zone: str) -> datetime | None:
    """Return the moment in UTC at which clocks in `zone` show `local`, a naive time.

    An empty zone is UTC. None for an unknown or ambiguous zone, for a name that contradicts the
    offset beside it, and for a time that a change of clocks skips or repeats. A comment counts only
    without an offset or a name before it. Raises: OverflowError.
    """
    match = re.fullmatch(_COMMENTED, zone)
    if match is None:
        return None
    info = _zone((match[1] or match[2] or match[3] or "").strip())
    if info is None:
        return None
    first, second = (local.replace(tzinfo=info, fold=fold) for fold in (0, 1))
    return first.astimezone(UTC) if first.utcoffset() == second.utcoffset() else None


def is_abbreviation(word: str) -> bool:
    """True if `word` is the abbreviation of a time zone, in capitals."""
    return word in _HOURS or word in _OTHER_MEANINGS or word in _GENERIC


def _zone(text: str) -> tzinfo | None:
    name = text.upper()
    if not name:
        return UTC
    if name in _HOURS:
        return _fixed(_HOURS[name] * 60)
    if match := re.fullmatch(_OFFSET, text):
        return _offset(match)
    key = _GENERIC.get(name, text)
    return _named(key) if re.fullmatch(_IANA, key) else None


def _offset(match: re.Match[str]) -> tzinfo | None:
    """Return the zone of an offset; None if a name beside the offset contradicts it."""
    minutes = _minutes(match)
    before, after = (match["before"] or "").upper(), (match["after"] or "").upper()
    # `GMT+2` is an offset from GMT; `EST-0500` states one offset twice.
    if before and before not in _ORIGINS and minutes not in _meanings(before):
        return None
    if minutes is None or (after and minutes not in _meanings(after)):
        return None
    return _fixed(minutes)


def _minutes(match: re.Match[str]) -> int | None:
    """Return an offset in minutes; None if the offset is out of range. Source: RFC 3339 §5.6."""
    hours, minutes = int(match["hh"] or match["h"]), int(match["mm"] or match["m"] or 0)
    if hours > 23 or minutes > 59:
        return None
    return (hours * 60 + minutes) * (-1 if match["sign"] == "-" else 1)


def _meanings(name: str) -> tuple[float | None, ...]:
    """Return the offsets, in minutes, that a name beside an offset can stand for."""
    if match := re.fullmatch(_OFFSET, name):  # `+0300 +03`, as Go writes a zone that has no name
        return (_minutes(match),)
    own = (_HOURS[name],) if name in _HOURS else ()
    return tuple(hours * 60 for hours in (*own, *_OTHER_MEANINGS.get(name, ())))


def _fixed(minutes: float) -> tzinfo:
    return timezone(timedelta(minutes=minutes))


def _named(key: str) -> tzinfo | None:
    # Imported here, since few feeds name a zone of the database.
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError  # noqa: PLC0415

    try:
        return ZoneInfo(key)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


_LONGEST = 120  # characters; JavaScript's format with the name of a zone has some 70
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

_WEEKDAY = r"(?:(?P<weekday>[^\W\d_][^\s\d,:/()+]{0,24})(?P<comma> ?, ?| ))?"
_NAME = r"[^\s\d.,/:()+'\u2019-]{3,14}"
_MONTH = rf"(?P<month>{_NAME})"
_DAY = r"(?P<day>[0-9]{1,2})(?:st|nd|rd|th|er|º|°)?"
_GAP = r"(?: (?:(?:de|del|of) |d['\u2019])?| ?[-./,] ?)"
_REST = r"(?![0-9])(?P<rest>.*)"
# As asctime writes it, the zone before the year (`date`) or after it (Git).
_TIME_AND_YEAR = (
    r",? (?P<time>[0-9]{1,2}:[0-9:.]+(?: ?[AP]M)?)(?P<zone>(?: [^ ]+){0,2}?)"
    r" (?P<year>[0-9]{4})(?P<rest>(?: .*)?)"
)
_DATES = (
    # Fri, 06 Nov 2026: two digits of a year are RFC 822's, four those of RFC 2822.
    rf"{_WEEKDAY}{_DAY}{_GAP}{_MONTH}{_GAP}(?P<year>[0-9]{{4}}|[0-9]{{2}}(?!:)){_REST}",
    # 2026-11-06, 2026/11/06, 2026-Nov-06
    (
        rf"{_WEEKDAY}(?P<year>[0-9]{{4}})(?P<gap>[-./]|(?P<blank> )) ?"
        rf"(?P<month>[0-9]{{1,2}}|{_NAME})(?P=gap) ?"
        rf"(?P<day>[0-9]{{1,2}})\.?(?(blank)(?!:)){_REST}"  # `2026 11 12:00:00` has no day
    ),
    # 20261106T174500Z, 20261106174500, 20261106. Source: ISO 8601, basic format.
    (
        r"(?P<year>[0-9]{4})(?P<month>[0-9]{2})(?P<day>[0-9]{2})"
        r"(?P<rest>(?:[T Z+]|[0-9]{6}(?![0-9])).*|)"
    ),
    # Fri, November 6th, 2026
    rf"{_WEEKDAY}{_MONTH}{_GAP}{_DAY}{_GAP}(?P<year>[0-9]{{4}}){_REST}",
    # Fri Nov  6 17:45:00 2026
    rf"{_WEEKDAY}{_MONTH} {_DAY}{_TIME_AND_YEAR}",
    rf"{_WEEKDAY}{_DAY} {_MONTH}{_TIME_AND_YEAR}",
    # 2026-11, 2026: the beginning, as of a day. Source: W3CDTF, which is what Dublin Core writes.
    r"(?P<year>[0-9]{4})(?:-(?P<month>[0-9]{2}))?",
    # 25/12/2026, where only one order makes a date
    r"(?P<one>[0-9]{1,2})(?P<gap>[-./])(?P<two>[0-9]{1,2})(?P=gap)(?P<year>[0-9]{4})" + _REST,
    # 2026年11月6日
    r"(?P<year>[0-9]{4})[年년] ?(?P<month>[0-9]{1,2})[月월] ?(?P<day>[0-9]{1,2})[日일](?P<rest>.*)",
)
_HALF = r"[AP]\.? ?M\b\.?"
_ZONE = rf"(?: ?(?P<half>{_HALF}))?(?: ?(?:uhr|h)\b)?(?P<zone>.*)"
_BEFORE = r"(?: ?T ?|[ ,:]+(?:(?:at|um|à|às) )?| - )"
_TIMES = (
    (
        rf"{_BEFORE}(?P<hour>[0-9]{{1,2}})[:h](?P<minute>[0-9]{{1,2}})"
        rf"(?::(?P<second>[0-9]{{1,2}})(?:[.,][0-9]+)?)?{_ZONE}"
    ),
    (
        r"T?(?P<hour>[0-9]{2})(?:(?P<minute>[0-9]{2})(?:(?P<second>[0-9]{2})(?:[.,][0-9]+)?)?)?"
        r"(?P<zone>(?![0-9:]).*)"
    ),
    rf"{_BEFORE}(?P<hour>[0-9]{{1,2}})(?= ?{_HALF}){_ZONE}",
    r"(?P<zone>(?!-).*)",
)


def rfc822(moment: datetime) -> str:
    """Render the date for RSS, in GMT. Source: RFC 822 §5, four-digit years as in RSS 2.0."""
    m = moment.astimezone(UTC)
    return (
        f"{_DAYS[m.weekday()]}, {m.day:02} {_MONTHS[m.month - 1]} {m.year:04} "
        f"{m.hour:02}:{m.minute:02}:{m.second:02} GMT"
    )


def rfc3339(moment: datetime) -> str:
    """Render the date for Atom, in UTC, to the second. Source: RFC 3339 §5.6."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_date(text: object) -> datetime | None:
    """Parse a date; return the moment in UTC, to the second.

    None for anything but a string, for a text that is not a date to its end, for an ambiguous date,
    and for years before 1900 and of the far future, which no entry has (Hugo writes `0001` for
    "no date"). A time without a zone is in UTC; a date without a time is its midnight. The name of
    the weekday may be any word, since the date makes it redundant.
    """
    if not isinstance(text, str):
        return None
    text = text.strip()
    if len(text) > _LONGEST:
        return None
    text = " ".join(text.split()).replace("\u2212", "-")
    for pattern in _DATES:
        match = re.fullmatch(pattern, text, re.IGNORECASE)
        moment = _moment(match.groupdict()) if match else None
        if moment is not None:
            return moment
    return None


def _moment(fields: dict[str, str | None]) -> datetime | None:
    day = None if _is_not_weekday(fields) else _day(fields)
    if day is None:
        return None
    rest = fields.get("rest") or ""
    if fields.get("time"):
        rest = f" {fields['time']}{fields['zone']}{rest}"
    for pattern in _TIMES:
        if match := re.fullmatch(pattern, rest, re.IGNORECASE):
            return _at_time(day, match.groupdict())
    return None


def _is_not_weekday(fields: dict[str, str | None]) -> bool:
    """True if the word in place of a weekday may be a zone, half of a day or month instead."""
    word = fields.get("weekday") or ""
    if is_abbreviation(word) or re.fullmatch(_HALF, word):
        return True
    # `mar` is a Tuesday in French, Italian, Romanian and Spanish.
    unmarked = fields.get("comma") == " " and word.casefold().rstrip(".") != "mar"
    return unmarked and _month(word.rstrip(".")) is not None


def _day(fields: dict[str, str | None]) -> datetime | None:
    """Return the midnight at the start of a date, without a zone."""
    year = int(fields["year"] or 0)
    if len(fields["year"] or "") == 2:  # RFC 5322 §4.3
        year += 2000 if year < 50 else 1900
    if "one" in fields:
        one, two = int(fields["one"] or 0), int(fields["two"] or 0)
        days = {_date(year, one, two), _date(year, two, one)} - {None}
        return days.pop() if len(days) == 1 else None
    return _date(year, _month(fields["month"] or "1"), int(fields.get("day") or "1"))


def _date(year: int, month: int | None, day: int) -> datetime | None:
    try:
        return datetime(year, month or 0, day)  # noqa: DTZ001 - its zone is read later
    except ValueError:
        return None


def _month(name: str) -> int | None:
    if name.isdecimal():
        return int(name)
    if name.title() in _MONTHS:
        return _MONTHS.index(name.title()) + 1
    return month_number(name)


def _at_time(day: datetime, fields: dict[str, str | None]) -> datetime | None:
    """Return a time of `day`, in UTC."""
    hour = _hour(int(fields.get("hour") or 0), (fields.get("half") or "")[:1].upper())
    minute, second = int(fields.get("minute") or 0), int(fields.get("second") or 0)
    is_midnight = (hour, minute, second) == (24, 0, 0)  # at the end of the day. Source: ISO 8601
    if hour is None or minute > 59 or second > 60 or (hour > 23 and not is_midnight):
        return None
    try:
        # A leap second becomes the second before it.
        local = day + timedelta(hours=hour, minutes=minute, seconds=min(second, 59))
        moment = to_utc(local, fields["zone"] or "")
    except OverflowError:
        return None
    return moment if moment and 1900 <= moment.year <= 2200 else None


def _hour(hour: int, half: str) -> int | None:
    """Return the hour from 0 to 23, given the half of the day; None for contradictions.

    `17:45 PM` is no contradiction.
    """
    if half == "A":
        return hour % 12 if hour <= 12 else None
    if half == "P":
        return hour % 12 + 12 if 0 < hour <= 12 else (hour or None)
    return hour


# Names of the months in the languages that feeds are written in. From the Unicode CLDR as in Babel
# 2.19 (wide and abbreviated, in dates and alone), with three of the C library's abbreviations
# (`mrz`, `сен`, `ноя`), written as `_folded` returns them. Names that two languages use for
# different months are left out (`listopad`).
_MONTH_NAMES = """
ene enero gen gener gennaio ian ianuarie jaan jaanuar jan janar janeiro januar januara januari
januarie january janv janvaris janvier led leden ledna oca ocak saus sausio sausis sij sijecanj
sijecnja sty styczen stycznia tammi tammikuu tammikuuta urt urtarrila xan xaneiro ιαν ιανουαριοσ
ιανουαριου сту студзень студзеня січ січень січня янв январь января яну януари јан јануар јануари
ינואר يناير ژانویه जनवरी;
feb febbraio febr febreiro febrer febrero februar februara februari februarie februaris february
fev fevereiro fevr fevrier helmi helmikuu helmikuuta lut lutego luty ots otsaila shk shkurt sub
subat uno unor unora vas vasario vasaris veebr veebruar velj veljaca veljace φεβ φεβρουαριοσ
φεβρουαριου лют лютага лютии лютого люты феб фебруар фев февр февраль февраля февруари פברואר
فبراير فوریه फरवरी;
bre brezen brezna kov kovas kovo maalis maaliskuu maaliskuuta maart mac mar marc marca march
marcius marco marec maret mars mart martie marts martxoa marz marzec marzo mrt mrz ozu ozujak
ozujka μαρ μαρτιοσ μαρτιου бер березень березня мар март марта сак сакавік сакавіка מרץ مارس मारच;
abr abril api apirila apr april aprila aprile aprilie aprilis aprill avr avril bal balandis
balandzio dub duben dubna huhti huhtikuu huhtikuuta kwi kwiecien kwietnia nis nisan pri prill tra
travanj travnja απρ απριλιοσ απριλιου апр апрель апреля април квіт квітень квітня кра красавік
красавіка אפריל ابريل اوریل अपरैल;
geg geguze geguzes kve kveten kvetna mag maggio mai maiatza maig maijs maio maj maja majus may
mayo mayıs mei svi svibanj svibnja touko toukokuu toukokuuta μαι μαιοσ μαιου маи мая мај трав
травень травня מאי مايو;
birz birzelio birzelis cerven cervna cvn cze czerwca czerwiec eka ekaina giu giugno haz haziran
iun iunie juin jun juna june junho juni junie junij junijs junio junius juny juuni kesa kesakuu
kesakuuta lipanj lipnja qer qershor xuno ιουν ιουνιοσ ιουνιου июн июнь июня черв червень червня
чэр чэрвень чэрвеня юни јун јуни יוני يونيو ژوين जून;
cervence cervenec cvc heina heinakuu heinakuuta iul iulie juil juillet jul jula julai julho juli
julie julij julijs julio juliol julius july juuli korr korrik liep liepa liepos lipca lipiec lug
luglio srpanj srpnja tem temmuz uzt uztaila xul xullo ιουλ ιουλιοσ ιουλιου июл июль июля лип
липень липня ліп ліпень ліпеня юли јул јули יולי يوليو ژويیه जुलाई;
abu abuztua ago agost agosto agu agust agustos agustus aout aug august augusta augusti augusts
augustus augusztus avg avgust elo elokuu elokuuta gush gusht kol kolovoz kolovoza ogo ogos rugp
rugpjucio rugpjutis sie sierpien sierpnia srpen srpna αυγ αυγουστοσ αυγουστου авг август августа
жні жнівень жніуня серп серпень серпня אוגוסט اغسطس اوت अगसत;
eyl eylul ira iraila rugs rugsejis rugsejo ruj rujan rujna sep sept septembar september septembra
septembre septembrie septembris septiembre set setembre setembro settembre sht shtator syys
syyskuu syyskuuta szept szeptember wrz wrzesien wrzesnia zar zari σεπ σεπτεμβριοσ σεπτεμβριου вер
верасень верасня вересень вересня сен сент сентябрь сентября сеп септембар септември ספטמבר سبتمبر
سپتامبر सितंबर;
eki ekim loka lokakuu lokakuuta oct october octobre octombrie octubre okt oktobar oktober oktobra
oktobris oktoober ott ottobre out outubro paz pazdziernik pazdziernika rij rijen rijna spal spalio
spalis tet tetor urr urria οκτ οκτωβριοσ οκτωβριου жовт жовтень жовтня кас кастрычнік кастрычніка
окт октобар октомври октябрь октября אוקטובר اكتوبر اکتبر अकटूबर;
aza azaroa kas kasım lapkr lapkricio lapkritis listopadu marras marraskuu marraskuuta nen nentor
noiembrie nov novembar november novembra novembre novembris novembro noviembre stu studeni
studenoga νοε νοεμβριοσ νοεμβριου лист листопад листопада ліс лістапад лістапада нов новембар ное
ноември ноя нояб ноябрь ноября נובמבר نوامبر نوفمبر नवंबर;
abe abendua ara aralık dec decembar december decembra decembre decembrie decembris decembro des
desember desembre dets detsember dez dezember dezembro dhj dhjetor dic dicembre diciembre dis
disember gru grudnia grudzien gruod gruodis gruodzio joulu joulukuu joulukuuta pro prosinac
prosinca prosince prosinec δεκ δεκεμβριοσ δεκεμβριου груд грудень грудня дек декабрь декабря
декември дец децембар сне снежань снежня דצמבר دسامبر ديسمبر दिसंबर
"""  # a semicolon after each month


def _folded(text: str) -> str:
    """Return `text` in lower case and without accents: `Févr` and `fevr` are one name."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


@cache
def _numbers() -> dict[str, int]:
    return {
        name: number
        for number, names in enumerate(_MONTH_NAMES.split(";"), 1)
        for name in names.split()
    }


def month_number(name: str) -> int | None:
    """Return the number, from 1 to 12, of the month with that name in any language, or None."""
    return _numbers().get(_folded(name))
