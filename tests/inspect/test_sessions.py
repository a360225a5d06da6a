"""Stand-ins of sessions, and what is a retry."""

import re
from dataclasses import replace
from typing import Any

from addons.inspect.sessions import _REMEMBERED, SessionTurns, session_of
from providers.contract.chat import Message
from providers.contract.requests import ChatRequest, CompletionRequest

TOOL: Any = {"type": "function", "function": {"name": "read"}}
ASKED = ChatRequest("m", (Message("user", "Hi"),), affinity="ses_secret")
NEXT = replace(ASKED, messages=(*ASKED.messages, Message("assistant", "Hello"), Message("user", "And now?")))


def test_a_session_has_a_stand_in_that_does_not_tell_it() -> None:
    name = session_of(ASKED)
    assert re.fullmatch(r"[0-9a-f]{6}", name)
    assert session_of(NEXT) == session_of(replace(ASKED, model="other")) == name
    assert session_of(replace(ASKED, affinity="another")) != name


def test_without_a_name_a_request_with_tools_belongs_to_its_conversation() -> None:
    plain = replace(ASKED, affinity=None)
    assert session_of(plain) == ""
    assert session_of(None) == ""
    agent = replace(plain, tools=(TOOL,))
    assert session_of(agent) == session_of(replace(agent, messages=NEXT.messages)) != ""
    other = replace(agent, messages=(Message("user", "Something else"),))
    assert session_of(other) != session_of(agent)


def test_the_same_turn_again_is_a_retry_and_the_next_one_is_none() -> None:
    turns, name = SessionTurns(), session_of(ASKED)
    assert [turns.retry(name, request, 0) for request in (ASKED, ASKED, replace(ASKED, stream=True), NEXT)] == [
        0,
        1,
        2,
        0,
    ]
    assert turns.retry(name, NEXT, 0) == 1
    assert turns.retry("other1", NEXT, 0) == 0


def test_the_clients_own_count_is_believed_where_it_is_more() -> None:
    turns = SessionTurns()
    assert turns.retry("", None, 3) == 3
    assert turns.retry("abc123", ASKED, 2) == 2
    assert turns.retry("abc123", ASKED, 0) == 1


def test_alike_requests_of_nobody_are_no_retries() -> None:
    """Two programs may well ask the same."""
    turns, agent = SessionTurns(), replace(ASKED, affinity=None, tools=(TOOL,))
    assert [turns.retry(session_of(agent), agent, 0) for _ in range(2)] == [0, 0]


def test_a_raw_prompt_is_its_chat() -> None:
    prompt = CompletionRequest("m", ASKED, affinity="ses_secret")
    assert session_of(prompt) == session_of(ASKED)


def test_so_many_sessions_are_remembered() -> None:
    turns = SessionTurns()
    for number in range(_REMEMBERED + 1):
        turns.retry(f"{number}", ASKED, 0)
    assert turns.retry("0", ASKED, 0) == 0
    assert turns.retry(f"{_REMEMBERED}", ASKED, 0) == 1
