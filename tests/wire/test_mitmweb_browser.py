"""mitmweb as a person sees it, in a real browser: the list of flows, the three views, and no secret anywhere."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.chromium import Chromium, find_chromium
from tests.support.glass_session import PROMPT, Session, glass_session

PROGRAM = find_chromium()
pytestmark = pytest.mark.skipif(PROGRAM is None, reason="needs Chromium or Chrome")


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    with glass_session(tmp_path_factory.mktemp("look")) as session:
        yield session


@pytest.fixture(scope="module")
def page(session: Session) -> Iterator[Chromium]:
    """A browser that is signed in to mitmweb."""
    assert PROGRAM
    with Chromium(PROGRAM) as page:
        page.open(f"{address(session)}/?token={session.web.password}")
        page.wait_for("Flow List")
        yield page


def address(session: Session) -> str:
    return f"http://127.0.0.1:{session.web.web_port}"


def opened(page: Chromium, session: Session, what: str, side: str) -> None:
    page.open("about:blank")  # a change of the fragment alone would open nothing
    page.open(f"{address(session)}/#/flows/{session.flow(what)}/{side}")


def test_the_list_tells_the_story(page: Chromium, session: Session) -> None:
    page.open("about:blank")
    page.open(f"{address(session)}/#/flows")
    seen = page.wait_for("no-such-model")
    lines = [line for line in seen.splitlines() if "req_" in line]
    story = "\n".join(lines)
    assert "GLM-4.6-Thinking → zai/demo ok first" in story
    assert "↪ sandbox-large → team/key failed attempt 1 of 3" in story
    assert "sandbox-large → official/demo ok attempt 2 of 3" in story
    assert "⚙ preparing zai/demo: POST /api/v1/chats/new" in story
    assert "⚠ GLM-4.6 → zai/demo broken_off" in story
    assert "⚠ POST /v1/chat/completions no-such-model → nobody refused" in story
    assert "GET /v1/models ok" in story


def test_the_chat_is_shown_on_the_request(page: Chromium, session: Session) -> None:
    opened(page, session, "thinking", "request")
    seen = page.wait_for("Hello from the sandbox!")
    assert PROMPT in seen
    assert "The user wrote" in seen, "the reasoning"
    assert "first word" in seen
    assert "tokens 12+34" in seen


def test_the_providers_events_are_shown_on_the_response(page: Chromium, session: Session) -> None:
    opened(page, session, "thinking", "response")
    seen = page.wait_for("what we read in it", "END stop")
    assert "Provider events" in seen
    assert "chat:completion thinking" in seen
    assert "reasoning" in seen
    assert "heartbeat" in seen


def test_what_the_client_was_sent_can_be_chosen(page: Chromium, session: Session) -> None:
    opened(page, session, "thinking", "response")
    page.wait_for("what we read in it")
    page.click("a,button", "View:")
    page.wait_for("openai stream")
    page.click("a", "openai stream")
    seen = page.wait_for("chat.completion.chunk", "data: [DONE]")
    assert "reasoning_content" in seen


def test_a_broken_answer_shows_where(page: Chromium, session: Session) -> None:
    opened(page, session, "broken off", "response")
    seen = page.wait_for("what we read in it")
    assert "ERROR" in seen.upper()


def test_the_searches_are_shown_as_sources(page: Chromium, session: Session) -> None:
    opened(page, session, "search", "request")
    page.wait_for("http", PROMPT)


def test_no_secret_stands_in_the_page(page: Chromium, session: Session) -> None:
    assert len(session.secrets) > 8
    for what in session.ids:
        for side in ("request", "response"):
            opened(page, session, what, side)
            page.wait_for("Flow List")
            html = str(page.evaluate("document.documentElement.outerHTML"))
            assert not [secret[:6] for secret in session.secrets if secret in html]


def test_the_pictures_of_the_docs_are_there() -> None:
    folder = Path(__file__).parents[2] / "docs" / "images"
    for name in ("flows", "chat", "events", "openai-stream"):
        assert (folder / f"mitmweb-{name}.png").stat().st_size < 250_000
