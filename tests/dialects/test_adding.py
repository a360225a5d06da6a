"""docs/adding-a-dialect.md is true: its example, built from the page, serves through the registry alone."""

import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from addons.dialects import registry
from addons.dialects.base import AnswerMeta, Dialect
from addons.dialects.registry import parsed_as
from addons.errors import GatewayError
from addons.exchange.answer_reader import AnswerReader, AnswerSource
from addons.ingress import gate
from addons.stream.port import State
from providers.contract.events import Finish, Text, Withdrawn
from providers.openai.options import OpenAIOptions
from providers.openai.provider import OpenAICompatible
from tests.support.hostile import DONE, chunk

PAGE = Path(__file__).parents[2] / "docs/adding-a-dialect.md"
META = AnswerMeta("plain-1", 1, "m")


def loaded(name: str, file: Path) -> ModuleType:
    """A module of its own, made of a file."""
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def plain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Dialect:
    """The page's dialect, in the registry."""
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    file = tmp_path / "plain.py"
    file.write_text(code, encoding="utf-8")
    dialect: Dialect = loaded("plain_of_the_page", file).Plain()
    monkeypatch.setattr(registry, "DIALECTS", (*registry.DIALECTS, dialect))
    return dialect


def test_its_path_is_a_route_of_the_gate(plain: Dialect) -> None:
    (match,) = gate.routes().at("/v1/plain", {})
    assert match.owner is plain
    assert match.route.methods == {"POST"}


def test_its_bodies_are_read_and_bad_ones_refused_by_name(plain: Dialect) -> None:
    body = json.dumps({"model": "m", "ask": "Hello"}).encode()
    assert parsed_as("", body)[0] is parsed_as("plain", body)[0] is plain
    parsed = plain.parse(body)
    assert (parsed.chat.model, parsed.chat.messages[0].text(), parsed.chat.stream) == ("m", "Hello", False)
    with pytest.raises(GatewayError) as refused:
        plain.parse(b'{"model": "m"}')
    assert (refused.value.status, refused.value.param) == (400, "ask")


def test_an_official_answer_comes_out_in_its_form(plain: Dialect) -> None:
    parsed = plain.parse(b'{"model": "m", "ask": "Hello"}')
    provider: Any = OpenAICompatible.configured("api", OpenAIOptions(base_url="https://api.invalid/v1"))
    source = AnswerSource(provider, parsed.chat, provider.decoder(parsed.chat, None))
    reader = AnswerReader(source, plain.encoder(parsed, META), clock=lambda: 5.0)
    reader.head(200, {"content-type": "text/event-stream"})
    out = b"".join(reader.feed(piece) for piece in (chunk("Grüß "), chunk("dich", "stop"), DONE)) + reader.close()
    assert (out.decode(), reader.state) == ("Grüß dich", State.DONE)


def test_what_was_withdrawn_is_not_said(plain: Dialect) -> None:
    encoder = plain.encoder(plain.parse(b'{"model": "m", "ask": "Hello"}'), META)
    assert encoder.encode([Text("no"), Withdrawn()]) == b""
    assert encoder.encode([Text("yes \ud83d"), Finish("stop")]) == "yes \ufffd".encode()
