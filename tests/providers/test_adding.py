"""docs/adding-a-provider.md is true: its example, built from the page, serves through the registry alone."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import providers
from addons.config.loader import load_config
from providers import registry
from providers.contract.chat import Message
from providers.contract.errors import ErrorKind
from providers.contract.events import Failure, Finish
from providers.contract.provider import Provider, ProviderOptions
from providers.contract.requests import ChatRequest
from providers.contract.session import Credentials
from providers.contract.steps import Moment
from providers.shared.frames import FrameDecoder
from tests.support.decoding import run, same_at_every_cut, text_of
from tests.support.turns import turn_of

PAGE = Path(__file__).parents[2] / "docs/adding-a-provider.md"
CHAT = ChatRequest("toy-1", (Message("user", "Hello"),), stream=True)
MOMENT = Moment(0, lambda: "00000000-0000-4000-8000-000000000000")


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider[ProviderOptions]]:
    """The page's provider, found in config.yaml by the line for the registry that the page gives."""
    page = PAGE.read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    (line,) = re.findall(r"""`"(\w+)": "([\w.]+:\w+)"`""", page)
    (entry,) = re.findall(r"`(toy: \{.*\})`", page)
    folder = tmp_path / "toy"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "provider.py").write_text(code, encoding="utf-8")
    monkeypatch.setattr(providers, "__path__", [*providers.__path__, str(tmp_path)])
    monkeypatch.setitem(registry._TYPES, *line)
    file = tmp_path / "config.yaml"
    file.write_text(f"auth: {{tokens: [{'k' * 40}]}}\nproviders:\n  {entry}\n", encoding="utf-8")
    (settings,) = load_config(file, {}).providers
    yield registry.provider_class(settings.common.type)(settings.name, settings.options)
    registry.provider_class.cache_clear()
    for name in ("providers.toy", "providers.toy.provider"):
        sys.modules.pop(name, None)


def test_it_is_one_line_in_the_registry(toy: Provider[ProviderOptions]) -> None:
    assert toy.name == toy.type_name == "toy"
    assert set(toy.models()) == {"toy-1"}


def test_its_stream_is_decoded_alike_at_every_cut(toy: Provider[ProviderOptions]) -> None:
    stream = 'data: {"say": "Grüß "}\n\ndata: {"say": "dich"}\n\ndata: [DONE]\n\n'.encode()
    events = same_at_every_cut(lambda: turn_of(toy, CHAT).decoder(), stream)
    assert (text_of(events), events[-1]) == ("Grüß dich", Finish("stop"))


def test_what_it_does_not_know_is_counted_and_what_breaks_off_fails(toy: Provider[ProviderOptions]) -> None:
    decoder = turn_of(toy, CHAT).decoder()
    assert isinstance(decoder, FrameDecoder)
    *_, end = run(decoder, [b'data: {"mood": 1}\n\n'])
    assert isinstance(end, Failure)
    assert end.error.kind is ErrorKind.INCOMPLETE
    assert dict(decoder.unknown) == {"a frame without words": 1}


def test_its_call_names_the_secret_and_does_not_hold_it(toy: Provider[ProviderOptions]) -> None:
    session = toy.read_session("main", Credentials(token="tok-1234567890"))
    call = turn_of(toy, CHAT, session).call(MOMENT)
    assert call.shown_body == b'{"ask":"Hello"}'
    assert [secret.name for secret in call.secrets] == ["token"]
    assert dict(call.opened(lambda secret: "tok-1234567890").headers)["authorization"] == "Bearer tok-1234567890"
    assert "tok-1234567890" not in repr(call)


def test_its_refusals_are_told_from_answers(toy: Provider[ProviderOptions]) -> None:
    assert turn_of(toy, CHAT).accepts(200, {"content-type": "text/event-stream"})
    assert not turn_of(toy, CHAT).accepts(200, {"content-type": "text/html"})
    assert turn_of(toy, CHAT).classify(401, {}, b"").kind is ErrorKind.SESSION_EXPIRED
