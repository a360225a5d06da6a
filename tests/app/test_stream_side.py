"""What the stream layer is given to work with."""

from pathlib import Path

from addons.stream.deps import ClientLimits
from tests.support.answers import answer
from tests.support.harness import api
from tests.support.virtual_time import in_virtual_time


@in_virtual_time
async def test_the_layers_keep_to_the_limits_of_the_configuration(tmp_path: Path) -> None:
    async with api(tmp_path, "timeouts: {head_s: 3}") as house:
        assert ClientLimits().head_s != 3
        visit = house.visit()
        visit.client_sends(b"GET /v1/models HTTP/1.1\r\nhost: 127")
        await house.pass_s(3.2)
        assert visit.got.status == 408


@in_virtual_time
async def test_a_body_counts_until_its_request_is_over(tmp_path: Path) -> None:
    async with api(tmp_path) as house:
        visit = await house.visit().chats("m", stream=False)
        assert visit.deps.body_budget.total > 0
        await visit.says(answer("Hi"))
        assert visit.deps.body_budget.total == 0
