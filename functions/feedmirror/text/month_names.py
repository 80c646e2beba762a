# ruff: noqa: RUF001 - letters of other alphabets
"""Names of the months in the languages that feeds are written in.

From the Unicode CLDR as in Babel 2.19 (wide and abbreviated, in dates and alone), with three of the
C library's abbreviations (`mrz`, `сен`, `ноя`), written as `_folded` returns them. Names that two
languages use for different months are left out (`listopad`).
"""

from __future__ import annotations

import unicodedata
from functools import cache

_NAMES = """
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
        name: number for number, names in enumerate(_NAMES.split(";"), 1) for name in names.split()
    }


def month_number(name: str) -> int | None:
    """Return the number, from 1 to 12, of the month with that name in any language, or None."""
    return _numbers().get(_folded(name))
