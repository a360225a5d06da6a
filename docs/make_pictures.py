"""Makes the pictures of docs/inspect.md anew: a demo session in mitmweb, looked at with a headless Chromium.

.venv/bin/python docs/make_pictures.py
"""

import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.support.chromium import Chromium, find_chromium  # noqa: E402
from tests.support.glass_session import Session, glass_session  # noqa: E402

FOLDER = ROOT / "docs" / "images"


def main() -> None:
    program = find_chromium()
    if program is None:
        sys.exit("this needs Chromium or Chrome")
    FOLDER.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        glass_session(Path(folder)) as session,
        Chromium(program, width=1280, height=720) as page,
    ):
        page.open(f"{address(session)}/?token={session.web.password}")
        page.wait_for("Flow List")
        show(page, f"{address(session)}/#/flows", "no-such-model", "flows")
        flow = f"{address(session)}/#/flows/{session.flow('thinking')}"
        show(page, f"{flow}/request", "Hello from the sandbox!", "chat")
        show(page, f"{flow}/response", "what we read in it", "events")
        page.click("a,button", "View:")
        page.wait_for("openai stream")
        page.click("a", "openai stream")
        page.wait_for("data: [DONE]")
        page.scroll_to(".contentview")
        page.picture(FOLDER / "mitmweb-openai-stream.png")


def address(session: Session) -> str:
    return f"http://127.0.0.1:{session.web.web_port}"


def show(page: Chromium, url: str, text: str, name: str) -> None:
    page.open("about:blank")
    page.open(url)
    page.wait_for(text)
    if name != "flows":
        page.scroll_to(".contentview")
    page.picture(FOLDER / f"mitmweb-{name}.png")


if __name__ == "__main__":
    main()
