"""Makes the pictures of docs/inspect.md anew: a demo session in mitmweb, looked at with a headless Chromium.

.venv/bin/python docs/make_pictures.py [FOLDER]

(Fonts with Chinese and pictograms should be installed, such as fonts-noto-cjk and fonts-noto-color-emoji.)
"""

import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.support.chromium import Chromium, find_chromium  # noqa: E402
from tests.support.glass_session import PROMPT, Session, glass_session  # noqa: E402
from tests.support.mitmweb import MODEL, asked  # noqa: E402


def main(folder: Path) -> None:
    program = find_chromium()
    if program is None:
        sys.exit("this needs Chromium or Chrome")
    folder.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as work,
        glass_session(Path(work)) as session,
        Chromium(program, width=1280, height=720) as page,
    ):
        page.open(f"{address(session)}/?token={session.web.password}")
        page.wait_for("Flow List")

        def picture(name: str, place: str, *texts: str) -> None:
            """Of a place in mitmweb's page, once these texts can be read there."""
            page.open("about:blank")  # a change of the fragment alone would open nothing
            page.open(f"{address(session)}/#/flows{place}")
            page.wait_for(*texts)
            taken(name)

        def taken(name: str) -> None:
            page.picture(folder / f"mitmweb-{name}.png")

        picture("flows", "", "no-such-model")
        flow = f"/{session.flow('thinking')}"
        picture("chat", f"{flow}/request", "Hello from the sandbox!")
        picture("events", f"{flow}/response", "what we read in it")
        page.click("a,button", "View:")
        page.wait_for("openai stream")
        page.click("a", "openai stream")
        page.wait_for("delta, finish, usage", "[DONE]")
        taken("openai-stream")
        session.api.post("/clear").raise_for_status()
        asked(session.web, PROMPT, "GLM-4.6")
        with ExitStack() as under_way:
            under_way.enter_context(session.running("GLM-4.6-Thinking"))
            under_way.enter_context(session.running(MODEL))  # a fail-over: the first account is overloaded
            picture("running", "", "running")
        with session.intercepted("GLM-4.6") as stopped:
            picture("intercepted", f"/{stopped}/request", PROMPT)


def address(session: Session) -> str:
    return f"http://127.0.0.1:{session.web.web_port}"


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "images")
