"""What can be found in the words of a prompt: values by the names of fields, places, paths, numbers, quotes. Pure."""

import re
from collections.abc import Sequence
from typing import Any, Final

_QUOTED: Final = re.compile(
    r"\"([^\"\n]{1,2000})\"|“([^”\n]{1,2000})”|`([^`\n]{1,2000})`|(?<!\w)'([^'\n]{1,2000})'(?!\w)"
)
_NUMBER: Final = re.compile(r"(?<![\w.-])-?\d{1,15}+(?:\.\d{1,15}+)?(?![\w-])")
_PATH: Final = re.compile(
    r"~?/[\w.@~+-]+(?:/[\w.@~+-]+)*/?|(?<![\w@+-])(?:[\w@+-]++(?:/[\w.@+-]+)+|[\w@+-]++\.[A-Za-z][\w]{0,7}\b)"
)
_URL: Final = re.compile(r"https?://[^\s\"'<>`)]+")
_EMAIL: Final = re.compile(r"(?<![\w.+-])[\w.+-]++@[\w-]+(?:\.[\w-]+)+")
_FENCE: Final = re.compile(r"```[^\n]*\n(.*?)\n?```", re.DOTALL)
_CAPITALS: Final = re.compile(r"\b[A-Z][\w'’-]*(?: [A-Z][\w'’-]*)*")
_CITIES: Final = re.compile(
    r"\b(?:Paris|London|Tokyo|Berlin|Rome|Madrid|Vienna|Moscow|Beijing|Shanghai|Hangzhou|Boston|Chicago|Seattle|Sydney"
    r"|Delhi|Mumbai|Munich|Hamburg|Lisbon|Oslo|Stockholm|Dublin|Amsterdam|Brussels|Prague|Warsaw|Toronto|Singapore"
    r"|New York(?: City)?|San Francisco|Los Angeles|Hong Kong|São Paulo|Rio de Janeiro|Mexico City|Abu Dhabi)\b"
    r"|北京|上海|杭州|东京|巴黎|伦敦"
)
_IN_PLACE: Final = re.compile(r"\b(?:in|for|at|near|from|to|of)\s+([A-Z][\w'’-]*(?: [A-Z][\w'’-]*)*)")
_WORKING: Final = re.compile(
    r"(?:working directory|current directory|workspace|cwd)[^/\n]{0,40}(/[^\s<\"'`,]*)", re.IGNORECASE
)
_WORKING_TOLD: Final = re.compile(
    r"(?:working(?: in the)? directory|current directory|workspace|cwd)\b[^/\n<]{0,20}(?:[:=]|\bis)\s*[\"'`]?"
    r"(/[^\s<>\"'`,]*)",
    re.IGNORECASE,
)
"""Said as such: goes before a path that only stands near the words."""
_CONTENT: Final = re.compile(
    r"(?:\b(?:with|and)\s+(?:the\s+)?(?:exact(?:ly)?\s+)?(?:the\s+)?(?:contents?|text|body|line|words?)\b"
    r"|\bcontaining\b|\bthat (?:says|contains|reads)\b|\bwhose contents? (?:is|are)\b)"
    r"(?:\s+(?:exactly|only|just|of|the|text|contents?|words?|line))*\s*[:：]?\s*(.+)",
    re.DOTALL,
)
_COMMAND: Final = re.compile(
    r"\b(?:run|execute|command)\b(?:\s+(?:the|this|command|shell|bash|in|with))*\s*[:：]?\s*(.+)", re.I
)
_REPLACE: Final = re.compile(r"\b(?:replace|change)\s+(.+?)\s+(?:with|to|by|into)\s+(.+?)(?=\s+in\b|[.\n]|$)", re.I)
_LEADING_TEXT: Final = (
    "The A An Please Use Call What Who Where When Why How Extract Create Give Tell Return Get Show Find Add "
    "Make Write Read Run Say I You My It Is Are Do Does Can Could Would Now Then And Answer Reply Respond JSON "
    "Hello Hi Using This That Generate Parse Set Update Delete List Search Look Translate Summarize User Name "
    "Age City"
)
_LEADING: Final = frozenset(_LEADING_TEXT.split())
_PLACES: Final = frozenset(("city", "location", "place", "town", "destination", "region", "area"))
_PATHS: Final = frozenset(("path", "file", "filepath", "filename", "directory", "dir", "folder"))
_CONTENTS: Final = frozenset(("content", "contents", "body", "filetext", "text", "code"))
_COMMANDS: Final = frozenset(("command", "cmd", "script"))
_QUERIES: Final = frozenset(
    ("query", "question", "q", "input", "prompt", "pattern", "search", "expression", "message", "task")
)
_RESULTS: Final = frozenset(("result", "answer", "response", "summary"))


class Words:
    """The words of a prompt, asked for the values of fields. What has been taken once comes last the next time."""

    def __init__(self, text: str, around: str = "", place: str = "", path: str = "", answer: str = "") -> None:
        """`around`: the rest of the prompt; `place`, `path`: the one meant here; `answer`: what there is to say."""
        self.said = text
        self._around, self._place, self._path, self._answer = around, place, path, answer
        self._numbers = _NUMBER.findall(text)
        self._quotes = quotes(text)

    def fresh(self) -> "Words":
        return Words(self.said, self._around, self._place, self._path, self._answer)

    def mentions(self, name: str) -> bool:
        return any(re.search(rf"(?<!\w){re.escape(way)}(?!\w)", self.said, re.IGNORECASE) for way in _ways(name))

    # -- by kind ---------------------------------------------------------------------------------------------------
    def text(self, name: str, about: str = "") -> str:
        """A text for a field of that name; nothing where no words fit."""
        parts = _parts(name)
        last = parts[-1] if parts else ""
        joined = "".join(parts)
        if (replaced := self._replaced(parts)) is not None:
            return replaced
        if self._place and parts and _PLACES & set(parts):
            return self._place
        if _PATHS & {last, joined} and (path := self._a_path(about)):
            return path
        if last in _CONTENTS and (content := self._content()):
            return content
        if (said := self._named(name, number=False)) is not None:
            return said
        if _PLACES & set(parts):
            found = places(self.said) or places(self._around)
            return found[0] if found else ""
        if last in ("email", "mail", "url", "uri", "link"):
            return self.of_format("email" if "mail" in last else "uri") or ""
        if last in _COMMANDS and (found_command := _COMMAND.search(self.said)):
            return _value(found_command[1])
        if last in _RESULTS and self._answer:
            return self._answer
        if self._quotes and last not in ("description", "id", "type"):
            return self._quotes.pop(0)
        if last == "name" or last in ("person", "customer", "author", "title", "country"):
            return next(iter(capitals(self.said)), "")
        return self.said[:300].strip() if last in _QUERIES else ""

    def number(self, name: str, *, whole: bool) -> float | int | None:
        """The number said of a field, else the next one in the text that was not taken."""
        said = self._named(name, number=True)
        while said is None and self._numbers:
            said = self._numbers.pop(0)
            if whole and "." in said:
                said = None
        if said is None:
            return None
        if said in self._numbers:
            self._numbers.remove(said)
        value = float(said)
        return int(value) if value.is_integer() and ("." not in said or whole) else value

    def value(self, name: str) -> int | float | None:
        """The number that stands beside a name, and nowhere else."""
        return self.number(name, whole=False) if self._named(name, number=True) is not None else None

    def truth(self, name: str) -> bool | None:
        said = self._named(name, number=False)
        if said is None:
            return None
        return {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}.get(said.lower())

    def member(self, members: Sequence[Any], name: str) -> int:
        """Which member of an enum the prompt names: that said of the field, else the first that stands in the text."""
        said = self._named(name, number=False)
        lowered = self.said.lower()
        for at, member in enumerate(members):
            if said is not None and str(member).lower() == said.lower():
                return at
        found = [
            (lowered.find(str(m).lower()), at) for at, m in enumerate(members) if isinstance(m, str) and len(m) > 1
        ]
        standing = [pair for pair in found if pair[0] >= 0]
        return min(standing)[1] if standing else 0

    def listed(self, name: str) -> list[str]:
        """Several texts for a list of that name: what is quoted, where there are two or more."""
        return list(self._quotes) if len(self._quotes) > 1 and name else []

    def of_format(self, kind: str) -> str | None:
        pattern = {"email": _EMAIL, "idn-email": _EMAIL, "uri": _URL, "url": _URL, "iri": _URL}.get(kind)
        if pattern is None:
            pattern = {"date": re.compile(r"\b\d{4}-\d{2}-\d{2}\b")}.get(kind)
        found = pattern.search(self.said) if pattern is not None else None
        return found[0].rstrip(".,") if found else None

    # -- what stands beside a name ---------------------------------------------------------------------------------
    def _named(self, name: str, *, number: bool) -> str | None:
        """The value that stands behind a field's name: `city is Paris`, `priority=5`, `named 'X'`."""
        for way in _ways(name):
            key = rf"(?<![\w$]){re.escape(way)}[\"'`]?"
            joint = r"\s*(?:is|are|=|:|to|of|as|should be|must be|equals?)\s+|\s*[=:]\s*"
            value = r"(-?\d{1,15}(?:\.\d{1,15})?)(?![\w.]*\w)" if number else r"([\"'`“][^\n]+|[^\s,;)\]}]+)"
            if found := re.search(rf"{key}(?:{joint}){value}", self.said, re.IGNORECASE):
                return _value(found[1]) if not number else found[1]
            bare = r"(-?\d{1,15}(?:\.\d{1,15})?)\b" if number else r"(\"[^\"\n]+\"|'[^'\n]+'|`[^`\n]+`|“[^”\n]+”)"
            if found := re.search(rf"{key}\s+{bare}", self.said, re.IGNORECASE):
                return found[1] if number else _value(found[1])
        if number and (parts := _parts(name)) and parts[-1] == "age":
            old = re.search(r"\b(\d+)[ -]years?[ -]old", self.said)
            return old[1] if old else None
        if not number and _parts(name)[-1:] == ["name"]:
            found = re.search(r"\b(?:named|called|name is)\s+(\"[^\"\n]+\"|'[^'\n]+'|`[^`]+`|“[^”\n]+”)", self.said)
            return _value(found[1]) if found else None
        return None

    def _replaced(self, parts: Sequence[str]) -> str | None:
        """The old and the new words of "replace A with B"."""
        if not {"old", "new"} & set(parts) or (found := _REPLACE.search(self.said)) is None:
            return None
        return _value(found[1 if "old" in parts else 2])

    def _a_path(self, about: str) -> str:
        found = [self._path] if self._path else paths(self.said)
        if not found:
            return ""
        if "absolute" in about.lower() and not found[0].startswith(("/", "~")):
            working = _WORKING_TOLD.search(self._around) or _WORKING.search(self._around)
            return f"{working[1].rstrip('/.')}/{found[0]}" if working else found[0]
        return found[0]

    def _content(self) -> str:
        if fence := _FENCE.search(self.said):
            return fence[1] + "\n"
        if found := _CONTENT.search(self.said):
            return _value(found[1].split("\n")[0])
        return ""


def places(text: str) -> list[str]:
    """Names of places in the order they stand in: cities that are known, else capitalised words behind `in`, `for` …"""
    known = list(dict.fromkeys(_CITIES.findall(text)))
    return known or [p for p in dict.fromkeys(_IN_PLACE.findall(text)) if p.split(" ")[0] not in _LEADING]


def paths(text: str) -> list[str]:
    bare = _URL.sub(" ", text)
    return [path for path in dict.fromkeys(found.rstrip(".") for found in _PATH.findall(bare)) if path.strip("/")]


def quotes(text: str) -> list[str]:
    return [next(part for part in found if part) for found in _QUOTED.findall(text)]


def capitals(text: str) -> list[str]:
    """Capitalised words that are not there because a sentence begins."""
    found = []
    for run in _CAPITALS.findall(text):
        words = run.split(" ")
        while words and words[0] in _LEADING:
            words = words[1:]
        if words:
            found.append(" ".join(words).removesuffix("'s").removesuffix("’s"))
    return found


def _value(text: str) -> str:
    """A value as it was meant: what is in its quotes, else without the end of the sentence."""
    text = text.strip()
    for opening, closing in (('"', '"'), ("'", "'"), ("`", "`"), ("“", "”"), ("「", "」")):
        if text.startswith(opening) and (end := text.find(closing, 1)) > 0:
            return text[1:end]
    return re.split(r"[.,;!?](?:\s|$)", text)[0].strip()


def _parts(name: str) -> list[str]:
    """The words of a field's name: `filePath` and `file_path` are `file`, `path`."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    return [part.lower() for part in re.split(r"[^A-Za-z0-9]+", spaced) if part]


def _ways(name: str) -> list[str]:
    """The ways a field's name can stand in a prompt."""
    return [way for way in dict.fromkeys((name, " ".join(_parts(name)))) if way]
