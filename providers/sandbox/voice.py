"""What a stand-in says to a prompt: its directive's words, else those of the model behind the sites."""

from collections.abc import Sequence
from dataclasses import replace

from providers.sandbox.models import obedient
from providers.sandbox.models.contract import written
from providers.sandbox.models.folded import read_messages
from providers.sandbox.models.shown import Shown, Turn
from providers.sandbox.script import Script, greeting, read_script


def scripted(messages: Sequence[tuple[str, str]], *, files: Sequence[str] = (), earlier: Sequence[Turn] = ()) -> Script:
    """The script of an answer to messages (role, text) behind the turns of the site's own thread.

    `files` say what the model sees beside the text of the last one.
    """
    script = read_script(messages[-1][1] if messages else "")
    if script.text or script.count or script.size:
        return script
    return voiced(script, read_messages(messages, files, earlier))


def voiced(script: Script, shown: Shown) -> Script:
    """The script with the words of the model."""
    said = obedient.answer(shown, greeting(shown.question))
    return replace(script, answer=written(said, shown))
