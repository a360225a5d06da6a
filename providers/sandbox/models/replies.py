"""What the obedient model says to plain questions: words it was told to say or told before, numbers. Pure."""

import re
from collections.abc import Callable, Sequence
from typing import Final

_WITH: Final = (
    r"(?:\s+(?:with|the|this|these|following|word|words|text|string|token|phrase|single|one|message|sentence|line))*"
)
_SAY: Final = r"(?:reply|respond|answer|say|output|print|return|write|send)"
_EXACT: Final = tuple(
    re.compile(pattern, re.IGNORECASE | re.DOTALL)
    for pattern in (
        r"\brepeat after me\s*[:：,]?\s*(.+)",
        r"\brepeat(?: exactly| verbatim)?(?: this| the following| these)?(?: words?| text| sentence)?\s*[:：]\s*(.+)",
        rf"\b{_SAY}\b(?:\s+\w+){{0,3}}?\s+(?:exactly|verbatim)\b{_WITH}\s*[:：]?\s*(.+)",
        rf"\b{_SAY}\b(?:\s+(?:with|me|to|back))*\s+(?:only|just|nothing but){_WITH}\s*[:：]?\s*(.+)",
        rf"\b(?:reply|respond|answer)\s+with{_WITH}\s*[:：]?\s*(.+)",
        rf"(?:^|[.!?\n]\s*|\b(?:please|just|now|then)\s+)say{_WITH}\s*[:：]?\s*(.+)",
        r"(?:请)?(?:只)?(?:回复|回答|说)\s*[:：]?\s*([“\"「].+)",
    )
)
_TAIL: Final = re.compile(
    r"(?:[.!?。](?:\s|$)|\n|,?\s+(?:and|with|without|in)\s+(?:nothing|no|any|one|a single|exactly|that exact)\b"
    r"|\s+\(|;\s|,\s+nothing|\s+and\s+(?:then\s+)?(?:stop|do not|don't)\b)"
)
_COUNT: Final = re.compile(
    r"\b(?:count|numbers)\b[^\d\n]{0,40}?(?:from\s+)?(?:(\d{1,5})\s*(?:up\s+)?(?:to|-|through)\s*)?(\d{1,5})\b", re.I
)
_SUM: Final = re.compile(
    r"(?<![\d.-])(-?\d{1,12}+(?:\.\d{1,12}+)?)\s*+"
    r"(\+|-|−|\*|×|x|/|÷|plus|minus|times|multiplied by|divided by)\s*(-?\d{1,12}(?:\.\d{1,12})?)(?![\w-])"
)
_SIGNS: Final[dict[str, Callable[[float, float], float]]] = {
    **dict.fromkeys(("+", "plus"), lambda a, b: a + b),
    **dict.fromkeys(("-", "−", "minus"), lambda a, b: a - b),
    **dict.fromkeys(("*", "×", "x", "times", "multiplied by"), lambda a, b: a * b),
    **dict.fromkeys(("/", "÷", "divided by"), lambda a, b: a / b if b else float("nan")),
}
_LETTERS: Final = re.compile(
    r"how many (?:times (?:does|is) )?(?:the )?(?:letters? )?[\"'`]?(\w)[\"'`]?(?:'?s)?\b.*?"
    r"\bin (?:the word )?[\"'`]?(\w{2,})",
    re.I,
)
_LENGTH: Final = re.compile(r"\b(\d{1,5})[- ]words?\b", re.IGNORECASE)
_MY: Final = re.compile(
    r"\b(?:what(?:'s|’s| is| was| are| were)|tell me|do you (?:know|remember)|recall|which is|repeat)\s+(?:again\s+)?"
    r"(?:my|the|our)\s+([\w ]{2,60}?)"
    r"(?:\s+(?:that\s+)?(?:I|we|you|again|from|in)\b[^?\n]*)?\s*(?:[?.!\n]|$)",
    re.IGNORECASE,
)
_BEFORE: Final = re.compile(r"\bwhat\b[^.!\n]{0,80}\b(first|last|previous|before|earlier|just)\b", re.IGNORECASE)
_SPOKE: Final = re.compile(r"\b(?:say|said|ask|asked|message|question|told|tell)\b", re.IGNORECASE)
_CAPITALS: Final = {
    "france": "Paris", "germany": "Berlin", "italy": "Rome", "spain": "Madrid", "japan": "Tokyo", "china": "Beijing",
    "england": "London", "the united kingdom": "London", "austria": "Vienna", "portugal": "Lisbon", "canada": "Ottawa",
}  # fmt: skip
_WORDS_TEXT: Final = "sand box town gate glass light river stone cloud paper little quiet early bright open"
_WORDS: Final = _WORDS_TEXT.split()


def reply(question: str, earlier: Sequence[str]) -> str | None:
    """The answer to a question; `earlier` are the texts before it, newest last. None where nothing is to be said."""
    return (
        _sum(question)
        or exact(question)
        or _counted(question)
        or remembered(question, earlier)
        or _letters(question)
        or _capital(question)
        or _long(question)
    )


def exact(question: str) -> str | None:
    """The words that the model was told to say."""
    for pattern in _EXACT:
        found = list(pattern.finditer(question))
        if not found:
            continue
        words = found[-1][1].strip()
        for opening, closing in (('"', '"'), ("'", "'"), ("`", "`"), ("“", "”"), ("「", "」"), ("*", "*")):
            if words.startswith(opening) and (end := words.find(closing, 1)) > 0:
                return words[1:end]
        said = _TAIL.split(words)[0].strip()
        if said and not re.match(r"(?:an?|valid|raw)?\s*(?:json|yaml|xml|code|result|answer|number)\b", said, re.I):
            return said
    return None


def remembered(question: str, earlier: Sequence[str]) -> str | None:
    """What was said before of the thing asked for: `my name is …`, `the code word is …`; or the message before."""
    if found := _MY.search(question):
        key = found[1].strip()
        value = _told(key, [*earlier, question])
        if value is not None:
            whose = "The" if re.search(rf"\bthe\s+{re.escape(key)}", question, re.IGNORECASE) else "Your"
            return f"{whose} {key} is {value}."
    if "who am i" in question.lower() and (name := _told("name", earlier)):
        return f"You are {name}."
    if earlier and (when := _BEFORE.search(question)) and _SPOKE.search(question):
        return f"You wrote: {earlier[0] if when[1].lower() == 'first' else earlier[-1]}"
    return None


def _told(key: str, texts: Sequence[str]) -> str | None:
    ways = [rf"\b{re.escape(key)}\s*(?:is|was|=|:|are)\s*[:：]?\s*([^\n?]+)"]
    if key.lower().endswith("name"):
        ways += [r"\b(?:I am|I'm|I’m|call me)\s+([A-Z][^\n?]*)"]
    for text in reversed(texts):
        for way in ways:
            if found := re.search(way, text, re.IGNORECASE if key.lower() in way.lower() else 0):
                value = re.split(r"[.,;!](?:\s|$)|\s+and\b", found[1])[0].strip().strip("\"'`“”")
                if value:
                    return value
    return None


def _counted(question: str) -> str | None:
    found = _COUNT.search(question)
    if found is None:
        return None
    first, last = int(found[1] or 1), int(found[2])
    joint = "\n" if re.search(r"\b(?:line|newline)", question) else " " if "space" in question else ", "
    return joint.join(str(n) for n in range(first, min(last, first + 10_000) + 1))


def _sum(question: str) -> str | None:
    found = _SUM.search(question)
    asked = re.search(r"what|how much|calculate|compute|sum|\?|=", question, re.IGNORECASE)
    if found is None or not asked:
        return None
    value = _SIGNS[found[2]](float(found[1]), float(found[3]))
    shown = f"{value:g}"
    alone = re.search(
        r"\b(?:only|just) (?:with )?(?:the )?(?:number|result|answer|digit)|single number", question, re.I
    )
    return shown if alone else f"{found[1]} {found[2]} {found[3]} = {shown}"


def _letters(question: str) -> str | None:
    found = _LETTERS.search(question)
    return f"{found[2].lower().count(found[1].lower())}" if found else None


def _capital(question: str) -> str | None:
    found = re.search(r"capital (?:city )?of ([\w ]+)", question, re.IGNORECASE)
    city = _CAPITALS.get(found[1].strip().lower()) if found else None
    return f"The capital of {found[1].strip()} is {city}." if found and city else None


def _long(question: str) -> str | None:
    found = _LENGTH.search(question) if re.search(r"\b(?:write|story|essay|poem|text|tell)\b", question, re.I) else None
    if found is None:
        return None
    return " ".join(_WORDS[n % len(_WORDS)] for n in range(min(int(found[1]), 10_000))) + "."
