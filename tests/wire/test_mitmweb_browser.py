"""mitmweb as a person sees it, in a real browser: the list of flows, the three views, and no secret anywhere."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from addons.inspect.summary import short_id
from tests.support.chromium import Chromium, find_chromium
from tests.support.glass_session import PROMPT, Session, glass_session
from tests.support.mitmweb import asked
from tests.support.waiting import until

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
    for words in (
        r"✓ req_\w{6} ok +GLM-4.6-Thinking → zai/demo first",
        r"↪ req_\w{6} failed +sandbox-large → team/key attempt 1 of 3 after",
        r"✓ req_\w{6} ok +sandbox-large → official/demo attempt 2 of 3",
        r"⚙ req_\w{6} preparing +zai/demo: POST /api/v1/chats/new",
        r"⚠ req_\w{6} broken_off +GLM-4.6 → zai/demo",
        r"⚠ req_\w{6} refused +POST /v1/chat/completions no-such-model → nobody",
        r"✓ req_\w{6} ok +GET /v1/models",
    ):
        assert re.search(words, story), words


def test_a_call_stands_before_the_chat_it_has_prepared(page: Chromium, session: Session) -> None:
    """It arrives behind it, while the page is open."""
    page.open("about:blank")
    page.open(f"{address(session)}/#/flows")
    page.wait_for("no-such-model")
    request_id = short_id(asked(session.web, "Hi", "GLM-4.6"))
    seen = page.wait_for(f"✓ {request_id}", f"⚙ {request_id}")
    assert seen.index(f"⚙ {request_id}") < seen.index(f"✓ {request_id}")


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
    seen = page.wait_for("delta, finish, usage", "[DONE]")
    for words in ("role assistant", "reasoning ", "content 'Hello from the sandbox!'", "finish stop"):
        assert words in seen


def test_a_broken_answer_shows_where(page: Chromium, session: Session) -> None:
    opened(page, session, "broken off", "response")
    seen = page.wait_for("what we read in it")
    assert "ERROR" in seen.upper()


def test_the_searches_are_shown_as_sources(page: Chromium, session: Session) -> None:
    opened(page, session, "search", "request")
    page.wait_for("http", PROMPT)


# -- where things stand -----------------------------------------------------------------------------------------------
def boxes(page: Chromium, selector: str) -> list[dict[str, float]]:
    """Where the elements stand in the window, and how much of what is in them has no room."""
    found: list[dict[str, float]] = page.evaluate(
        f"[...document.querySelectorAll({selector!r})].map(e => {{ const box = e.getBoundingClientRect();"
        " return {left: box.left, right: box.right, top: box.top, bottom: box.bottom,"
        " cut: e.scrollWidth - e.clientWidth}; })"
    )
    return found


@pytest.mark.parametrize(
    ("side", "view", "words"),
    [("request", "Chat", "Hello from the sandbox!"), ("response", "Provider events", "what we read in it")],
)
def test_our_view_stands_above_the_headers_and_in_a_small_window(
    page: Chromium, session: Session, side: str, view: str, words: str
) -> None:
    page.resize(1280, 720)
    opened(page, session, "thinking", side)
    page.wait_for(view, words)
    first = boxes(page, ".contentview pre > div")[0]
    (headers,) = boxes(page, ".flow-detail .headers")
    assert 0 < first["top"] < first["bottom"] < min(720, headers["top"])
    assert boxes(page, ".flow-detail .first-line")[0]["bottom"] <= boxes(page, ".contentview")[0]["top"]
    page.click(".glassgate-headers", "Headers")
    page.wait_until("document.querySelector('.flow-detail .headers').getBoundingClientRect().top < 700")


@pytest.mark.parametrize("width", [1000, 1400])
@pytest.mark.parametrize(("side", "view"), [("request", "chat"), ("response", "auto"), ("response", "openai stream")])
def test_long_lines_fold_to_the_pane(page: Chromium, session: Session, width: int, side: str, view: str) -> None:
    page.resize(width, 720)
    opened(page, session, "long", side)
    page.wait_for("View:")
    page.click("a,button", "View:")
    page.wait_for("openai stream")
    page.click(".dropdown-menu a", view)
    wanted = {"auto": "provider events"}.get(view, view)
    page.wait_until(f"document.querySelector('[data-glassgate-view=\"{wanted}\"] pre > div')")
    (pane,) = boxes(page, ".contentview pre")
    lines = boxes(page, ".contentview pre > div")
    assert pane["cut"] <= 0
    assert pane["right"] <= width
    assert not [line for line in lines if line["cut"] > 0 or line["right"] > pane["right"]]
    assert any(line["bottom"] - line["top"] > 30 for line in lines), "some are folded"


def test_the_list_of_views_begins_with_ours_and_fits_the_window(page: Chromium, session: Session) -> None:
    page.resize(1280, 720)
    opened(page, session, "thinking", "response")
    page.wait_for("what we read in it")
    page.click("a,button", "View:")
    page.wait_for("openai stream")
    names = page.evaluate("[...document.querySelectorAll('.dropdown-menu a')].map(e => e.innerText)")
    assert names[:4] == ["auto", "chat", "provider events", "openai stream"]
    (menu,) = boxes(page, ".dropdown-menu")
    assert menu["top"] > 0
    assert menu["bottom"] <= 720
    page.click(".dropdown-menu a", "auto")


@pytest.mark.parametrize("place", ["flows", "flows/{flow}/request"])
def test_comments_begin_at_one_place_and_end_before_the_status(page: Chromium, session: Session, place: str) -> None:
    page.resize(1000, 720)
    page.open("about:blank")
    page.open(f"{address(session)}/#/{place.format(flow=session.flow('thinking'))}")
    page.wait_for("no-such-model" if place == "flows" else "Hello from the sandbox!")
    page.wait_until("document.querySelector('tr[data-glassgate=bad]')")
    texts = page.evaluate(
        "[...document.querySelectorAll('td.col-comment')].filter(e => e.firstChild).map(e => {"
        " const range = document.createRange(); range.setStart(e.firstChild, 0); range.setEnd(e.firstChild, 1);"
        " const style = getComputedStyle(e);"
        " return [Math.round(range.getBoundingClientRect().left), style.textOverflow, style.textAlign]; })"
    )
    assert len(texts) > 8
    assert len({tuple(text) for text in texts}) == 1, "all begin at one place"
    assert texts[0][1:] == ["ellipsis", "left"]
    comments, states = boxes(page, "td.col-comment"), boxes(page, "td.col-status")
    assert all(comment["right"] <= state["left"] for comment, state in zip(comments, states, strict=True))
    padding = page.evaluate("parseFloat(getComputedStyle(document.querySelector('td.col-comment')).paddingRight)")
    assert padding >= 8, "nothing touches the status"


def test_an_outcome_is_seen_whatever_the_status(page: Chromium, session: Session) -> None:
    page.open("about:blank")
    page.open(f"{address(session)}/#/flows")
    page.wait_for("no-such-model")
    page.wait_until("document.querySelector('tr[data-glassgate=bad]')")
    rows = page.evaluate(
        "[...document.querySelectorAll('.flow-table tbody tr')].filter(e => e.innerText).map(e => ["
        " e.dataset.glassgate || '',"
        " e.querySelector('.col-comment').innerText, e.querySelector('.col-status').innerText,"
        " getComputedStyle(e.querySelector('.col-status')).color,"
        " getComputedStyle(e.querySelector('.col-timestamp'), '::after').content])"
    )
    (broken,) = [row for row in rows if "broken" in row[1]]
    good = next(row for row in rows if "official/demo" in row[1])
    assert (broken[0], broken[2], good[0], good[2]) == ("bad", "200", "", "200")
    assert broken[3] != good[3], "one of them is no success"
    assert {row[0] for row in rows} >= {"", "bad", "earlier", "step"}
    for row in rows:
        assert re.fullmatch(r'"\d\d:\d\d:\d\d"', row[4]), "the time of day"


def test_a_comment_of_several_lines_takes_one_line_of_the_list(page: Chromium, session: Session) -> None:
    flow = f"/flows/{session.flow('models')}"
    before = next(one["comment"] for one in session.api.get("/flows").json() if one["id"] == session.flow("models"))
    session.api.put(flow, json={"comment": "written\nby a person"}).raise_for_status()
    try:
        page.open("about:blank")
        page.open(f"{address(session)}/#/flows")
        page.wait_until("document.querySelector('td.col-comment[data-glassgate-lines]')")
        heights = {round(box["bottom"] - box["top"]) for box in boxes(page, "td.col-comment")}
        assert len(heights) == 1
    finally:
        session.api.put(flow, json={"comment": before}).raise_for_status()


def test_without_our_look_the_page_is_as_mitmproxy_made_it(page: Chromium, session: Session) -> None:
    page.call("Network.enable")
    page.call("Network.setBlockedURLs", urls=["*/glassgate/*"])
    try:
        page.call("Network.setCacheDisabled", cacheDisabled=True)
        opened(page, session, "thinking", "request")
        page.wait_for("Hello from the sandbox!")
        assert page.evaluate("document.querySelector('.glassgate-headers')") is None
    finally:
        page.call("Network.setBlockedURLs", urls=[])
        page.call("Network.disable")


def typed(page: Chromium, text: str) -> None:
    """Types into mitmweb's search box, as React notices it."""
    page.evaluate(
        "(() => { const box = document.querySelector('.filter-input input');"
        " Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set.call(box, "
        + json.dumps(text)
        + "); box.dispatchEvent(new Event('input', {bubbles: true})); })()"
    )


def test_words_cut_into_frames_are_found_by_the_search_box(page: Chromium, session: Session) -> None:
    page.open("about:blank")
    page.open(f"{address(session)}/#/flows")
    page.wait_for("no-such-model")
    typed(page, '~bs "wrote: “WHAT is the sea"')
    rows = "[...document.querySelectorAll('.flow-table tbody tr')].map(row => row.innerText).join('\\n')"
    until(lambda: "no-such-model" not in page.evaluate(rows))
    found = page.evaluate(rows)
    assert "GLM-4.6-Thinking" in found
    assert "preparing" not in found
    typed(page, "")
    until(lambda: "no-such-model" in page.evaluate(rows))


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
    for name in ("flows", "chat", "events", "openai-stream", "running", "intercepted"):
        assert (folder / f"mitmweb-{name}.png").stat().st_size < 250_000
