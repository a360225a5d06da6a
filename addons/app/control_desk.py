"""The desk: answers the questions of commands (addons/app/control.py), and ends what was lent to processes that are
gone. One more kind of question is one more line in `_handled`."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from addons.app import lent_keys, managed_keys
from addons.app.control import Answer, Inbox, Question
from addons.app.runtime import Running
from addons.ingress.gate import GateRules

log = logging.getLogger("glassgate")

LOOK_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class ControlDesk:
    """`parts` gives the running parts of the moment; `rules_changed` is told who is let in from now on."""

    inbox: Inbox
    parts: Callable[[], Running]
    rules_changed: Callable[[GateRules], None]

    async def look(self) -> None:
        """Answers who asks. Costs one look at a folder where nobody does."""
        lent = self.parts().lent
        if self.parts().managed.changed(self.parts().config):
            await self._take_keys()
        if self.inbox.is_empty() and not lent.keys:
            return
        for question in await asyncio.to_thread(self.inbox.take):
            answer = await self._handled(question)
            try:
                await asyncio.to_thread(self.inbox.answer, question.id, answer)
            except OSError as e:
                log.warning("the answer to a command cannot be written: %s", e.strerror or e)
        if lent.keys and await self._end_left():
            self._admit_anew()

    async def _end_left(self) -> bool:
        lent = self.parts().lent
        left = await asyncio.to_thread(lambda: {one for one in lent.questions() if self.inbox.is_left(one)})
        return lent.end(left)

    async def _take_keys(self) -> Answer:
        """Takes up the managed keys as their file has them now."""
        parts = self.parts()
        if await parts.managed.refresh(parts.config, parts.vault):
            self._admit_anew()
        return Answer(parts.managed.problem is None, parts.managed.problem or "")

    async def _unfit(self, name: object) -> str:
        """What does not fit in the limits of the managed key of this name, a line each."""
        parts = self.parts()
        limits = next((key.limits for key in parts.managed.found.keys if key.name == name), None)
        if limits is None:
            return ""
        from addons.app.unfit_limits import unfit  # a start has no need of it

        return "\n".join(await asyncio.to_thread(unfit, limits, parts.models(), parts.config.sections.prices))

    async def _handled(self, question: Question) -> Answer:
        if question.what == managed_keys.WHAT:
            answer = await self._take_keys()
            return Answer(True, await self._unfit(question.fields.get("name"))) if answer.done else answer
        if question.what != lent_keys.WHAT:
            return Answer(False, f"this gateway knows no question {question.what[:40]!r}: it is of another version")
        parts = self.parts()
        answer = parts.lent.lend(
            question, {key.name for key in parts.config.keys} | {key.name for key in parts.managed.found.keys}
        )
        if answer.done:
            self._admit_anew()
        return answer

    def _admit_anew(self) -> None:
        parts = self.parts()
        parts.admit_anew()
        self.rules_changed(parts.rules)
