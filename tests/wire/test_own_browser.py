"""A session that was imported goes out with the very headers of the browser it came from, at each of the four sites."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from addons.cli.main import main
from providers.sandbox.server import Request
from tests.support import firefox
from tests.support.processes import NO_REST, Gateway, SandboxThread

MODELS = {"zai": "GLM-4.6", "qwen": "qwen3.7-plus", "k2think": "MBZUAI-IFM/K2-Think", "longcat": "LongCat-Flash"}
VERSIONS = {"zai": "X-FE-Version", "qwen": "Version"}
PER_CALL = {"zai": {"x-device-id"}}
"""What a page sends on its completion alone."""
DELETES = ("zai", "qwen", "longcat")


def deletes(request: Request) -> bool:
    return request.method == "DELETE" or request.path.endswith("/session-delete")


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Gateway, SandboxThread]]:
    folder = tmp_path_factory.mktemp("browser")
    folder.chmod(0o700)
    more = {name: {"delete_chats": True} for name in DELETES}
    with SandboxThread() as sites, Gateway(folder, sites.description(), providers=more, **NO_REST) as gateway:
        yield gateway, sites


def imported(gateway: Gateway, data: bytes, folder: Path) -> None:
    (folder / "file").write_bytes(data)
    command = ["--config", str(gateway.config_file), "sessions", "import", str(folder / "file")]
    result = CliRunner().invoke(
        main, command, env={"SESSION_ENCRYPTION_KEY": gateway.vault_key, "AUTH_TOKEN": "sk-wire-test-key-0123456789"}
    )
    assert result.exit_code == 0, result.output
    assert firefox.AGENT not in result.output


def asked(gateway: Gateway, site: str, words: str = "Hi") -> None:
    body = {"model": MODELS[site], "messages": [{"role": "user", "content": words}]}
    url = f"{gateway.url}/v1/chat/completions"
    answer = httpx.post(url, json=body, headers=gateway.headers, timeout=30)
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("form", ["har", "curl"])
@pytest.mark.parametrize("site", list(MODELS))
def test_a_firefox_session_arrives_with_its_own_headers(
    own: tuple[Gateway, SandboxThread], tmp_path: Path, site: str, form: str
) -> None:
    gateway, sites = own
    described = sites.description()
    if site in VERSIONS:
        sites.site(site).client_version = firefox.SITES[site][VERSIONS[site]]
    url = described["base_urls"][site] + firefox.PATHS[site]
    sent = firefox.headers_of(site, described["sessions"][site])
    imported(gateway, firefox.har((url, sent)) if form == "har" else firefox.curl(url, sent), tmp_path)
    before = len(sites.site(site).requests)
    asked(gateway, site, "Hi\n!sandbox encoding=zstd")
    if site in DELETES:
        sites.wait_for(site, lambda: any(deletes(one) for one in sites.site(site).requests[before:]))
    requests = sites.site(site).requests[before:]
    assert requests
    own_names = {name.lower(): value for name, value in firefox.BROWSER.items()}
    page = {name.lower(): value for name, value in firefox.SITES[site].items()}
    completion = next(request for request in requests if request.path == firefox.PATHS[site])
    for request in requests:
        assert firefox.of_browser(dict(request.headers)) == own_names
        expected = page if request is completion else {n: v for n, v in page.items() if n not in PER_CALL.get(site, ())}
        assert expected.items() <= request.headers.items()
        assert not {"te", "upgrade", "proxy-authorization", "mtgsig", "x-odd"} & request.headers.keys()
        assert request.headers["host"] in url
        assert request.cookies[firefox.EDGE] == "of-a-person"
        assert request.headers.get("x-signature", "") != "0" * 64
    if site == "zai":
        query = completion.query
        assert (query["user_agent"], query["language"]) == (firefox.AGENT, "de")
        assert (query["browser_name"], query["os_name"], query["languages"]) == ("Firefox", "Linux", "de,en-US,en")


def test_a_version_of_the_browser_that_is_outdated_gives_way_to_the_pages(own: tuple[Gateway, SandboxThread]) -> None:
    gateway, sites = own
    for site, name in VERSIONS.items():
        newer = firefox.SITES[site][name].rpartition(".")[0] + ".100"
        sites.site(site).client_version = newer
        before = len(sites.site(site).requests)
        asked(gateway, site)
        requests = [one for one in sites.site(site).requests[before:] if one.path == firefox.PATHS[site]]
        assert [one.headers[name.lower()] for one in requests] == [firefox.SITES[site][name], newer]
        assert all(one.headers["user-agent"] == firefox.AGENT for one in sites.site(site).requests[before:])


def test_the_log_holds_nothing_of_the_browser(own: tuple[Gateway, SandboxThread]) -> None:
    gateway, _ = own
    assert firefox.AGENT not in gateway.log
    assert "firefox-of-a-person" not in gateway.log
