"""The rules as they stand in the form, until they are saved. Pure.

They travel packed: as text a form would have no room for what the API takes.
"""

import base64
import binascii
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from pydantic import BaseModel, ValidationError

_MOST_BYTES = 200_000
Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Drafts:
    """Drafts of one kind of rules, as the API takes them, without what nobody has filled in.

    Args:
        model: what may stand in one.
        empty: one without any rule.
    """

    model: type[BaseModel]
    empty: Json

    def of(self, answer: Json) -> Json:
        """The rules that the API has."""
        return self._valid({name: answer[name] for name in self.empty})

    def is_same(self, one: Json, other: Json) -> bool:
        """Whether two say the same."""
        return self.model.model_validate(one) == self.model.model_validate(other)

    def pack(self, draft: Json) -> str:
        """A draft as a value of a form."""
        return base64.urlsafe_b64encode(zlib.compress(orjson.dumps(draft))).decode()

    def unpack(self, packed: str) -> Json | None:
        """The draft again; None for what `pack` has not made."""
        try:
            unpacking = zlib.decompressobj()
            text = unpacking.decompress(base64.urlsafe_b64decode(packed), _MOST_BYTES)
            return self._valid(orjson.loads(text))
        except (binascii.Error, zlib.error, orjson.JSONDecodeError, ValidationError, ValueError):
            return None

    def changed(self, draft: Json, **changes: Any) -> Json:
        """With other values besides the rules.

        Raises:
            ValidationError: they are none.
        """
        return self._valid({**draft, **changes})

    def moved(self, draft: Json, at: int, by: int) -> Json:
        """With one rule further up (-1) or down (1); the same where it cannot go."""
        listed = list(draft["rules"])
        if 0 <= at < len(listed) and 0 <= at + by < len(listed):
            listed.insert(at + by, listed.pop(at))
        return self._with(draft, listed)

    def without(self, draft: Json, at: int) -> Json:
        """With one rule less."""
        return self._with(draft, [one for n, one in enumerate(draft["rules"]) if n != at])

    def put(self, draft: Json, at: int, rule: Json) -> Json:
        """With one rule in place of another, or behind all.

        Raises:
            ValidationError: there are too many.
        """
        return self._with(draft, [*draft["rules"][:at], rule, *draft["rules"][at + 1 :]])

    def _with(self, draft: Json, listed: Sequence[Json]) -> Json:
        return self._valid({**draft, "rules": listed})

    def _valid(self, draft: Json) -> Json:
        rules = self.model.model_validate(draft)
        return {**self.empty, **rules.model_dump(mode="json", exclude_unset=True)}
