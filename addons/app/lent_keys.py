"""Client keys that commands have the gateway admit for a while (`glassgate run`): in memory alone, each until the
process that asked for it is gone. A reload leaves them; a restart knows none of them."""

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final

from addons.app.control import Answer, Question
from addons.config.client_keys import ClientKey

WHAT: Final = "lend_key"
MOST: Final = 50
"""Each key is compared with what any stranger shows."""
_TOKEN: Final = re.compile(r"sk-glassgate-run-[A-Za-z0-9_-]{43}")
_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,30}")


@dataclass(frozen=True, slots=True)
class _Lent:
    question: str
    key: ClientKey


@dataclass(slots=True)
class LentKeys:
    """The keys that are lent now. `keys` is another tuple whenever they are others."""

    keys: tuple[ClientKey, ...] = ()
    _lent: list[_Lent] = field(default_factory=list)

    def lend(self, question: Question, taken: Collection[str]) -> Answer:
        """Admits the key of a question; `taken` are names that other keys have. The answer says under which name."""
        token, wished = question.fields.get("key"), question.fields.get("name")
        if not isinstance(token, str) or _TOKEN.fullmatch(token) is None:
            return Answer(False, "the key is none of the form that can be lent")
        if not isinstance(wished, str) or _NAME.fullmatch(wished) is None:
            return Answer(False, "the name of a key is made of small letters, digits and hyphens")
        if len(self._lent) >= MOST:
            return Answer(False, f"{MOST} keys are lent already; end one of the programs that have them")
        key = ClientKey(_free(wished, {*taken, *(key.name for key in self.keys)}), token, "lent")
        self._set([*self._lent, _Lent(question.id, key)])
        return Answer(True, key.name)

    def questions(self) -> tuple[str, ...]:
        """The ids of the questions that were answered with a key."""
        return tuple(lent.question for lent in self._lent)

    def end(self, questions: Collection[str]) -> bool:
        """Ends the keys of these questions; gives whether there were any."""
        still = [lent for lent in self._lent if lent.question not in questions]
        if len(still) == len(self._lent):
            return False
        self._set(still)
        return True

    def _set(self, lent: list[_Lent]) -> None:
        self._lent, self.keys = lent, tuple(one.key for one in lent)


def _free(wished: str, taken: Collection[str]) -> str:
    number = 1
    while (name := wished if number == 1 else f"{wished}-{number}") in taken:
        number += 1
    return name
