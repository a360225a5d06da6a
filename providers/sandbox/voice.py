"""What a stand-in says to a prompt: its directive's words, else those of the model behind the sites."""

from collections.abc import Sequence
from dataclasses import replace

from providers.sandbox.models import obedient
from providers.sandbox.models.contract import written
from providers.sandbox.models.folded import read_messages, without_asides
from providers.sandbox.models.shown import Turn
from providers.sandbox.models.slips import slipped
from providers.sandbox.script import Script, greeting, read_script


def scripted(
    messages: Sequence[tuple[str, str]], *, files: Sequence[str] = (), earlier: Sequence[Turn] = (), slip: str = ""
) -> Script:
    """The script of an answer to messages (role, text) behind the turns of the site's own thread.

    `files` say what the model sees beside the text of the last one; `slip` is how it goes wrong where no directive
    says so.
    """
    script = read_script(without_asides(messages[-1][1]) if messages else "")
    if script.count or script.size:  # nobody reads these words
        return replace(script, asked=(Turn("user", script.prompt),))
    shown = read_messages(messages, files, earlier)
    asked = tuple(shown.turns[len(earlier) :])
    script = replace(script, prompt=shown.question or script.prompt)
    if script.text:
        return replace(script, asked=asked, said=Turn("assistant", script.text))
    said = obedient.answer(shown, greeting(shown.question))
    answer = written(said, shown)
    kept = said.text if said.calls else answer
    wrong = slipped(script.slip or slip, said, shown)
    if wrong is not None:
        script = replace(script, reasoning=script.reasoning or wrong.reasoning)
        answer = wrong.text
    return replace(script, answer=answer, asked=asked, said=Turn("assistant", kept, said.calls))
