"""A sentence whose facts may be words of ours too, told in the reader's language. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from gettext import NullTranslations


@dataclass(frozen=True, slots=True)
class Word:
    """A sentence of ours as a fact of another one."""

    sentence: str


Fact = str | int | Word | Sequence[Word]


@dataclass(frozen=True, slots=True)
class Told:
    """A sentence of ours with `%(fact)s` in it."""

    sentence: str
    facts: Mapping[str, Fact] = field(default_factory=dict)


def tell(words: NullTranslations, told: Told) -> str:
    """The sentence in the language of `words`."""

    def said(fact: Fact) -> str:
        if isinstance(fact, Word):
            return words.gettext(fact.sentence)
        if isinstance(fact, str | int):
            return str(fact)
        return ", ".join(words.gettext(one.sentence) for one in fact)

    return words.gettext(told.sentence) % {name: said(fact) for name, fact in told.facts.items()}
