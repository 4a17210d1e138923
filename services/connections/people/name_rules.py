"""Names that go into mails: none that a mail program would make a link of. Pure."""

import re
import unicodedata

from services.connections import countries

# What mail programs take for the end of a domain: countries, and what is common beside them. A name
# with another ending stays a name: `E.ON`, `Dr.Oetker`.
_ENDINGS = frozenset(code.lower() for code in countries.CODES) | frozenset(
    """
    uk eu su ac com net org info biz edu gov mil int arpa name pro mobi tel jobs asia cat coop aero
    museum travel app dev page web site online store shop shopping buy sale blog cloud click link
    live life world today top xyz icu vip club fun win bid loan men work zip mov email mail social
    media news agency digital solutions services support tech technology systems software company
    group global ltd llc inc gmbh partners finance bank money credit pay capital fund insurance
    health care clinic legal law tax consulting trade market business center zone team space host
    website press studio design art photos video games game bet casino poker chat dating express
    delivery logistics supply parts tools house homes estate rent fashion clothing shoes boutique
    jewelry beauty beer wine coffee pizza restaurant food farm garden pet dog bike car cars taxi
    berlin hamburg koeln wien paris london nyc tokyo madrid barcelona amsterdam moscow google
    amazon рф рус укр бел срб қаз ею 中国 中國 公司 网络 網路 网址 商城 商店
    集团 香港 台湾 한국 भारत
    """.split()  # noqa: RUF001, SIM905  reads better
)
_MARKED = re.compile(r"://|\bwww\.|\bmailto:", re.IGNORECASE)
_DOMAIN = re.compile(r"(?<=\w)\.(xn--[\w-]+|[^\W\d_]+)(?![\w])", re.IGNORECASE)
# Full stops of other scripts, which browsers take for a dot (RFC 3490, 3.1).
_STOPS = str.maketrans("\u3002\uff0e\uff61\u2024", "....")


def require_no_link(name: str) -> str:
    """The name as given.

    Raises:
        ValueError: mail programs would make a link of it, or of a part.
    """
    # As it stands in a mail: what nobody sees is taken out there.
    seen = "".join(letter for letter in name if unicodedata.category(letter) != "Cf")
    text = unicodedata.normalize("NFKC", seen.translate(_STOPS)).translate(_STOPS)
    if _MARKED.search(text) or any(_ends_domain(ending[1]) for ending in _DOMAIN.finditer(text)):
        raise ValueError(
            "this looks like a link, and it goes into mails: write the name without `://`, `www.` "
            "and endings such as `.com`"
        )
    return name


def _ends_domain(ending: str) -> bool:
    return ending.lower() in _ENDINGS or ending.lower().startswith("xn--")
