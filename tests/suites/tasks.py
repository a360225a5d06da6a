"""What a coding agent is asked to do, and how it is seen that it was done. Words the sandbox's model can follow."""

import json
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Final

Check = Callable[[str], str]
"""What was said → why the task was not done, or nothing."""

_CITY: Final = '{"name": "Lisbon", "country": "Portugal", "population": 545796}'
_DESCRIBE: Final = "The name is Lisbon, the country is Portugal, the population is 545796."


def task(kind: str, work: Path) -> tuple[str, Check]:
    """The words of a task, and its check. Nobody can guess the word that must come back or be written."""
    word = f"word-{secrets.token_hex(4)}"
    file = work / "made.txt"

    def written(said: str) -> str:
        return "" if file.is_file() and word in file.read_text(encoding="utf-8") else "the file was not written"

    match kind:
        case "tool:read":
            (work / "notes.txt").write_text(f"The password is {word}.\n", encoding="utf-8")
            words = f"Read the file {work / 'notes.txt'} and tell me exactly what it says."
            return words, lambda said: "" if word in said else "what stands in the file was not said"
        case "tool:write":
            return f"Create the file {file} with content: {word}", written
        case "edit":
            return f'Reply with exactly "\nmade.txt\n```\n{word}\n```\n"', written
        case "structured:schema":
            return f"Use structured output to describe a city. {_DESCRIBE}", _city_said
        case _:
            return f"Reply with exactly {_CITY}", _city_said


def _city_said(said: str) -> str:
    """Looks for the JSON object in what was said, plain or inside a string of JSON."""
    decoder = json.JSONDecoder()
    for text in (said, said.replace('\\"', '"')):
        for part in text.split('{"name"')[1:]:
            try:
                value, _ = decoder.raw_decode('{"name"' + part)
            except ValueError:
                continue
            if value.get("name") == "Lisbon" and isinstance(value.get("population"), int):
                return ""
    return "no such JSON was said"
