"""The edge's demand for a human inside a stream that Qwen had begun, through a gateway."""

from collections.abc import Iterator

import pytest

from providers.sandbox.qwen.refusals import DEMANDS
from providers.sandbox.qwen.site import QwenSite
from tests.providers.qwen.asking import posted, told
from tests.support.served import Served
from tests.support.sites import Sites

SECRETS = ("x5secdata", "_____tmd_____", "aliyun_waf", "punish")


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, QwenSite]]:
    """With rests and retries as they are without a word about them."""
    folder = tmp_path_factory.mktemp("qwen")
    with Sites(("qwen",)) as thread, Served(folder, thread) as running:
        yield running, thread.site("qwen")


def completions(site: QwenSite) -> int:
    return sum(request.path.endswith("/completions") for request in site.requests)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("demand", [*DEMANDS, *(f"{name}_mid" for name in DEMANDS), "wordless", "empty", "waf_lines"])
def test_a_demand_in_the_stream_is_named_once_and_rests_the_account(
    gateway: tuple[Served, QwenSite], demand: str, stream: bool
) -> None:
    running, site = gateway
    running.vault.put("qwen", "demo", site.session())  # another session ends the rest
    before = completions(site)
    answer = posted(running, f"{demand}\n!sandbox pace_ms=0 cut=7 fault={demand}", stream=stream)
    begun = stream and answer.status_code == 200
    if begun:
        assert demand.endswith("_mid"), answer.text
        assert answer.text.count("provider_challenge") == 1
        assert "[DONE]" not in answer.text
        message = answer.text
    else:
        assert (answer.status_code, answer.json()["error"]["code"]) == (502, "provider_challenge")
        message = answer.json()["error"]["message"]
    assert message.lower().count("in your browser") == 1, message
    assert completions(site) == before + 1
    later = posted(running, "Hi", stream=False)
    assert (later.status_code, later.json()["error"]["code"]) == (502, "provider_challenge")
    assert completions(site) == before + 1, "the site was left alone"
    assert not [secret for secret in SECRETS if secret in answer.text + later.text + running.log]


def test_an_answer_ends_the_rest_of_a_session_that_was_stored_anew(gateway: tuple[Served, QwenSite]) -> None:
    running, site = gateway
    running.vault.put("qwen", "demo", site.session())
    assert told(posted(running, "Hi\n!sandbox pace_ms=0 text=well"))[0] == "well"


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("fault", ["json_answer", "json_content", "json_lines"])
def test_an_answer_in_one_piece_is_one(gateway: tuple[Served, QwenSite], fault: str, stream: bool) -> None:
    running, site = gateway
    running.vault.put("qwen", "demo", site.session())
    answer = posted(running, f"Hi\n!sandbox fault={fault}", stream=stream)
    assert (answer.status_code, told(answer)[0]) == (200, "One two.")


def test_a_refusal_of_many_lines_is_no_demand(gateway: tuple[Served, QwenSite]) -> None:
    running, site = gateway
    running.vault.put("qwen", "demo", site.session())
    answer = posted(running, "Hi\n!sandbox fault=quota_lines")
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "insufficient_quota")
