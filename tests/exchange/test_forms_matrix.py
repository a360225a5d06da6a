"""Four forms of clients by four forms of upstreams: what each client reads of each thing an answer can be.

A cell that has no place for the thing says what comes instead. docs/dialects.md tells the same in words.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import pytest

from providers.sandbox.openai.site import OpenAISite
from tests.support.four_clients import FORMS, PICTURE, Asked, Form, Told, events_of
from tests.support.processes import NO_REST
from tests.support.served import Served
from tests.support.sites import Sites

SAID: Final = "Hello there, how are you, and who are we all here"


@dataclass(frozen=True, slots=True)
class Upstream:
    """A provider with its site; directives that make it think, refuse, end early, fail at first and break off."""

    name: str
    site: str
    path: str
    """Where it is asked for an answer."""
    model: str
    thinks: str = ""
    refuses: str = ""
    limits: str = ""
    fails: str = ""
    """An error in a 200 before the first word of a stream, once."""
    fails_whole: str = ""
    """The same of a document."""
    breaks: str = "truncated"

    def fault(self, *, stream: bool) -> str:
        return self.fails if stream else self.fails_whole or self.fails


WEB: Final = Upstream(
    "zai", "zai", "/api/v2/chat/completions", "GLM-4.6", fails="internal_once", breaks="error_after_text"
)
CHAT: Final = Upstream(
    "official",
    "openai",
    "/v1/chat/completions",
    "sandbox-large",
    thinks="variant=reasoning",
    refuses="variant=refusal",
    limits="fault=length",
    fails="error_first_once",
    fails_whole="json_error_once",
)
MESSAGES: Final = Upstream(
    "anthropic",
    "anthropic",
    "/v1/messages",
    "claude-sandbox",
    refuses="fault=refusal",
    fails="error_started_once",
    fails_whole="json_error_once",
)
RESPONSES: Final = Upstream(
    "alone", "alone", "/v1/responses", "sandbox-large", refuses="variant=refusal", fails="failed_first_once"
)
UPSTREAMS: Final = (WEB, CHAT, MESSAGES, RESPONSES)
NO_TOOLS: Final = "tools is not supported by /v1/completions for chat models"
NO_PROMPTS: Final = "prompt is not supported by provider 'official' (this API has no /completions)"
NO_EYES: Final = "messages[2].content[1] is not supported by provider 'zai' (pictures are not carried to this model)"
DECLINED: Final = "This request was declined by the stand-in's safety system."


@dataclass(frozen=True, slots=True)
class Cell:
    """One client at one upstream."""

    client: str
    form: Form
    upstream: Upstream
    stream: bool
    gateway: Served
    sites: Sites

    @property
    def asked(self) -> list[Any]:
        """The bodies of the requests for an answer that the upstream has got."""
        requests = self.sites.site(self.upstream.site).requests
        return [one.json() for one in requests if (one.method, one.path) == ("POST", self.upstream.path)]

    def body(self, asked: Asked) -> dict[str, Any]:
        named = replace(asked, model=f"{self.upstream.name}/{self.upstream.model}")
        return self.form.request(named, stream=self.stream)

    def ask(self, asked: Asked) -> Told:
        return self.form.read(self.gateway.post(self.body(asked), self.form.path))

    @property
    def is_unasked(self) -> bool:
        """A raw prompt is no chat: an API of the chat form that has no /completions is not asked."""
        return self.client == "completions" and self.upstream is CHAT


@pytest.fixture(scope="module")
def sites() -> Iterator[Sites]:
    with Sites(("zai", "openai", "anthropic"), {"alone": OpenAISite()}) as running:
        yield running


@pytest.fixture(scope="module")
def gateway(sites: Sites, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Each provider with two accounts, of which the first is asked first."""
    address = sites.description()["base_urls"]["alone"]
    alone = {"type": "openai_compatible", "base_url": f"{address}/v1", "models": ["sandbox-large"]}
    providers: dict[str, Any] = {
        "zai": {},
        "official": {"operations": ["chat"]},
        "anthropic": {},
        "alone": {**alone, "operations": ["responses"]},
    }
    accounts = [{"name": "demo"}, {"name": "second"}]
    entries = {name: {**entry, "accounts": accounts} for name, entry in providers.items()}
    served = Served(tmp_path_factory.mktemp("matrix"), sites, providers=entries, **NO_REST)
    for upstream in UPSTREAMS:
        served.vault.put(upstream.name, "second", sites.site(upstream.site).session())
    with served as running:
        yield running


@pytest.fixture(params=UPSTREAMS, ids=lambda upstream: upstream.name)
def upstream(request: pytest.FixtureRequest) -> Upstream:
    found: Upstream = request.param
    return found


@pytest.fixture(params=FORMS)
def client(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=[False, True], ids=["whole", "stream"])
def stream(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def cell(client: str, upstream: Upstream, stream: bool, gateway: Served, sites: Sites) -> Cell:
    return Cell(client, FORMS[client], upstream, stream, gateway, sites)


def refused(told: Told, words: str) -> bool:
    """Whether it was refused by these words, with nothing else said."""
    return told.error.startswith(words) and told == Told(status=400, error=told.error, account=told.account)


def directed(words: str, *more: str) -> str:
    return f"Hi\n!sandbox text='{words}' {' '.join(more)}"


# -- what is said -----------------------------------------------------------------------------------------------------
def test_text(cell: Cell) -> None:
    told = cell.ask(Asked(directed(SAID)))
    if cell.is_unasked:
        assert refused(told, NO_PROMPTS)
    else:
        assert told == Told(text=SAID, finish="stop", account=f"{cell.upstream.name}/demo")


def test_reasoning(cell: Cell) -> None:
    told = cell.ask(Asked(directed(SAID, "reasoning='I think so.'", cell.upstream.thinks), thinking=True))
    if cell.is_unasked:
        assert refused(told, NO_PROMPTS)
        return
    thought = "" if cell.client == "completions" else "I think so."  # it has no place for it
    assert (told.text, told.reasoning, told.finish) == (SAID, thought, "stop")


def test_parallel_calls(cell: Cell) -> None:
    told = cell.ask(Asked("Use get_weather for Paris and for Rome.", tools=True))
    if cell.client == "completions":
        assert refused(told, NO_PROMPTS if cell.is_unasked else NO_TOOLS)
        return
    assert [(name, json.loads(arguments)) for name, arguments in told.calls] == [
        ("get_weather", {"city": "Paris"}),
        ("get_weather", {"city": "Rome"}),
    ]
    assert (told.text, told.finish) == ("", "tool_calls")


def test_results_with_pictures(cell: Cell) -> None:
    before = len(cell.asked)
    told = cell.ask(Asked("Use get_weather for Paris.", tools=True, result="21 degrees"))
    if cell.client == "completions":
        assert refused(told, NO_PROMPTS if cell.is_unasked else NO_TOOLS)
    elif cell.upstream is WEB:
        assert refused(told, NO_EYES)
        assert len(cell.asked) == before
    else:
        (body,) = cell.asked[before:]
        assert told.finish == "stop"
        assert shape(cell.upstream, body) == shape_of(cell.client, cell.upstream)
        assert json.dumps(body).count(PICTURE) == 1
        assert json.dumps(body).count("21 degrees") == 1


def shape_of(client: str, upstream: Upstream) -> Sequence[str]:
    """The turns of the tool's result. A chat's own tool message goes on as it came; of other forms the picture stands
    behind it, where APIs of the chat form take pictures."""
    if upstream is CHAT:
        return ["tool: text, image_url"] if client == "chat" else ["tool: 21 degrees", "user: text, image_url"]
    return ["text, image"] if upstream is MESSAGES else ["input_text, input_image"]


def shape(upstream: Upstream, body: Any) -> Sequence[str]:
    if upstream is RESPONSES:
        return [", ".join(part["type"] for part in body["input"][-1]["output"])]
    if upstream is MESSAGES:
        (result,) = body["messages"][-1]["content"]
        return [", ".join(part["type"] for part in result["content"])]
    found = []
    for message in body["messages"][2:]:
        content = message["content"]
        parts = content if isinstance(content, str) else ", ".join(part["type"] for part in content)
        found.append(f"{message['role']}: {parts}")
    return found


# -- how it ends ------------------------------------------------------------------------------------------------------
def test_a_refusal(cell: Cell) -> None:
    told = cell.ask(Asked(directed("I will not", cell.upstream.refuses)))
    if cell.is_unasked:
        assert refused(told, NO_PROMPTS)
    else:
        said = (told.text, told.refusal, told.finish)
        assert said == refusal_of(cell.client, cell.upstream)


def refusal_of(client: str, upstream: Upstream) -> tuple[str, str, str]:
    """Text, refusal and end. A site's chat has words alone; Anthropic's form stops for it, and says why beside."""
    if upstream is WEB:
        return "I will not", "", "stop"
    if upstream is MESSAGES:
        if client == "completions":
            return f"I will not\n\n{DECLINED}", "", "content_filter"
        return "I will not", "" if client == "messages" else DECLINED, "content_filter"
    if client == "messages":
        return "I will not", "", "content_filter"
    return ("I will not", "", "stop") if client == "completions" else ("", "I will not", "stop")


def test_the_limit(cell: Cell) -> None:
    told = cell.ask(Asked(directed("word " * 40, cell.upstream.limits), limit=16))
    if cell.is_unasked:
        assert refused(told, NO_PROMPTS)
        return
    assert told.finish == "length"
    assert told.text.split() == ["word"] * (40 if cell.upstream is CHAT else 16)  # that stand-in says it is the end


# -- how it fails -----------------------------------------------------------------------------------------------------
def test_an_error_in_a_200_before_the_first_word_is_made_good_at_another_account(cell: Cell) -> None:
    before = len(cell.asked)
    own = f"{cell.client} {'stream' if cell.stream else 'whole'}\n"  # the fault befalls each prompt once
    told = cell.ask(Asked(own + directed(SAID, f"fault={cell.upstream.fault(stream=cell.stream)}")))
    if cell.is_unasked:
        assert refused(told, NO_PROMPTS)
        return
    assert told == Told(text=SAID, finish="stop", account=f"{cell.upstream.name}/second")
    assert len(cell.asked) == before + 2


@pytest.mark.parametrize("stream", [True], indirect=True, ids=["stream"])
def test_an_answer_that_is_cut_in_the_middle_ends_with_an_error(cell: Cell) -> None:
    before = len(cell.asked)
    answer = cell.gateway.post(cell.body(Asked(directed(SAID, f"fault={cell.upstream.breaks}"))), cell.form.path)
    told = cell.form.read(answer)
    if cell.is_unasked:
        assert refused(told, NO_PROMPTS)
        return
    assert told.text
    assert SAID.startswith(told.text)
    assert told.text != SAID
    assert told.finish == ""
    assert told.error.startswith(f"[{cell.upstream.name}/demo] ")
    assert len(cell.asked) == before + 1, "what was said is not said again"
    last = [event for event in events_of(answer.text) if event != "[DONE]"][-1]
    ends = {"messages": "error", "responses": "response.failed"}
    assert last["error"] if cell.client not in ends else last["type"] == ends[cell.client]


@pytest.mark.parametrize("stream", [False], indirect=True, ids=["whole"])
def test_of_an_answer_that_is_cut_nothing_is_told_whole(cell: Cell) -> None:
    """Sites stream whatever is asked; a document of an API that fails in the middle is an error in it."""
    faults = {WEB: WEB.breaks, CHAT: "json_error", MESSAGES: "json_error", RESPONSES: "failed"}
    told = cell.ask(Asked(directed(SAID, f"fault={faults[cell.upstream]}")))
    if cell.is_unasked:
        assert refused(told, NO_PROMPTS)
    else:
        assert (told.status, told.text, told.finish) == (502, "", "")
        assert told.error.startswith(f"[{cell.upstream.name}/")


@pytest.mark.parametrize("stream", [True], indirect=True, ids=["stream"])
def test_a_client_that_leaves_ends_the_upstream(cell: Cell) -> None:
    if cell.is_unasked:
        return
    site = cell.sites.site(cell.upstream.site)
    before = len(cell.asked)
    with cell.gateway.stream(cell.body(Asked(directed("word " * 40, "stall_after=8"))), cell.form.path) as answer:
        pieces = answer.iter_text()
        while "word" not in next(pieces):
            pass
        assert len(cell.asked) == before + 1
        busy = site.connections
    cell.sites.wait_for(cell.upstream.site, lambda: site.connections < busy)
