"""Managed keys through the whole gateway: in force within a second, ended at once, kept where their file is damaged."""

from pathlib import Path

from addons.app import control
from addons.app.control_desk import LOOK_S
from addons.app.managed_keys import WHAT
from addons.keys.limits import NO_LIMITS, KeyLimits
from addons.keys.managed import ManagedKey, hash_of
from addons.keys.store import KeyStore
from addons.vault.small_files import write_small
from tests.support.answers import DONE, FINISH, STREAM, word
from tests.support.harness import House, api
from tests.support.virtual_time import in_virtual_time
from tests.support.visit import KEY, Got

A, B = "sk-glassgate-" + "a" * 43, "sk-glassgate-" + "b" * 43


def key(name: str, token: str, secret: bytes, limits: KeyLimits = NO_LIMITS) -> ManagedKey:
    return ManagedKey(name, name.encode().ljust(16, b"."), hash_of(token, secret), 1.0, limits)


def holds(house: House, *keys: tuple[str, str], limits: KeyLimits = NO_LIMITS) -> KeyStore:
    store = KeyStore(house.vault)
    store.change(lambda known, secret: tuple(key(name, token, secret, limits) for name, token in keys))
    return store


async def shown(house: House, token: str, path: str = "/v1/models") -> Got:
    return (await house.visit().asks(path=path, method="GET", authorization=f"Bearer {token}")).got


async def status(house: House, token: str) -> int:
    return (await shown(house, token)).status


@in_virtual_time
async def test_a_key_is_in_force_within_a_second_and_ends_at_once(tmp_path: Path) -> None:
    async with api(tmp_path) as house:
        assert await status(house, A) == 401
        holds(house, ("ada", A), ("bob", B))
        await house.pass_s(LOOK_S + 0.1)
        assert [await status(house, token) for token in (A, B)] == [200, 200]
        streams = await house.visit().asks(
            {"model": "m", "stream": True, "messages": [{"role": "user", "content": f"Say {A}"}]},
            authorization=f"Bearer {A}",
        )
        await streams.says(STREAM, word("Hi"))
        holds(house, ("bob", B))
        await house.pass_s(LOOK_S + 0.2)
        assert streams.got.complete
        assert streams.got.error["code"] == "invalid_api_key"
        assert [await status(house, token) for token in (A, B)] == [401, 200]
        assert house.lines[-3].key == "ada"
        for flow in house.flows():  # the client has said it, and it is no pattern that gives it away
            assert A not in str(flow.get_state())


@in_virtual_time
async def test_a_command_is_answered_once_they_are_in_force(tmp_path: Path) -> None:
    async with api(tmp_path) as house:
        place = control.folder_beside(house.vault.path)
        holds(house, ("ada", A))
        with control.held(place) as question:
            control.ask(place, house.file, question, WHAT)
            await house.pass_s(LOOK_S + 0.1)
            assert control.answer_to(place, question) == control.Answer(True)
        assert await status(house, A) == 200


@in_virtual_time
async def test_a_rotated_key_keeps_what_is_its_own(tmp_path: Path) -> None:
    async with api(tmp_path) as house:
        store = holds(house, ("ada", A))
        await house.pass_s(1)
        streams = await house.visit().asks(
            {"model": "m", "stream": True, "messages": [{"role": "user", "content": "Hi"}]},
            authorization=f"Bearer {A}",
        )
        now = house.began + 1
        store.change(lambda known, secret: tuple(one.rotated(hash_of(B, secret), now, 60) for one in known))
        await house.pass_s(1)
        assert [await status(house, token) for token in (A, B)] == [200, 200]
        await streams.says(STREAM, word("Hi"), FINISH, DONE)
        assert streams.got.text == "Hi"
        await house.pass_s(61)
        assert [await status(house, token) for token in (A, B)] == [401, 200]


@in_virtual_time
async def test_what_cannot_be_read_changes_nothing_and_is_told(tmp_path: Path) -> None:
    async with api(tmp_path) as house:
        store = holds(house, ("ada", A))
        await house.pass_s(1)
        good = store.path.read_bytes()
        for spoils, said in (
            (lambda: store.path.write_bytes(good[:-30]), "damaged"),
            (lambda: store.path.write_bytes(good.replace(b"ada", b"eve")), "seal"),
            (lambda: store.path.unlink(), "gone"),
        ):
            spoils()
            await house.pass_s(1)
            health = (await shown(house, A, "/healthz")).value
            assert health["status"] == "degraded"
            assert said in health["problem"]
            assert await status(house, A) == 200
        assert len([line for line in house.said if "stay in force" in line]) == 3
        write_small(store.path, good)
        await house.pass_s(1)
        assert (await shown(house, A, "/healthz")).value["status"] == "ok"


@in_virtual_time
async def test_an_expired_key_is_told_so(tmp_path: Path) -> None:
    async with api(tmp_path) as house:
        holds(house, ("ada", A), limits=KeyLimits(expires=house.began + 10))
        await house.pass_s(1)
        assert await status(house, A) == 200
        await house.pass_s(10)
        got = await shown(house, A)
        assert (got.status, got.value["error"]["code"]) == (401, "api_key_expired")
        assert "'ada' has expired" in got.value["error"]["message"]
        assert "accounts" not in (await shown(house, A, "/healthz")).value
        assert house.line.key == "ada"


@in_virtual_time
async def test_keys_are_in_force_where_no_account_needs_the_vault(tmp_path: Path) -> None:
    where = "base_url: 'http://127.0.0.1:1002/v1', models: [m], accounts: [{name: a, session: none}]"
    providers = f"\n  api: {{type: openai_compatible, {where}}}"
    async with House(tmp_path, providers) as house:
        holds(house, ("ada", A))
        await house.pass_s(1)
        assert await status(house, A) == 200


@in_virtual_time
async def test_a_gateway_starts_with_managed_keys_alone(tmp_path: Path) -> None:
    async with api(tmp_path) as house:
        holds(house, ("ada", A))
    house = api(tmp_path)
    house.tokens = "[]"
    async with house:
        assert [await status(house, token) for token in (A, KEY)] == [200, 401]


@in_virtual_time
async def test_whoever_guesses_learns_nothing(tmp_path: Path) -> None:
    async with api(tmp_path) as house:
        store = holds(house, ("ada", A), ("bob", B))
        store.change(lambda known, secret: known[:1])
        await house.pass_s(1)
        told = {(got.status, got.body) for got in [await shown(house, token) for token in (B, A[:-1], A + "x", "x")]}
        assert len(told) == 1
        both = await house.visit().asks(path="/v1/models", method="GET", authorization=f"Bearer {A}", x_api_key=KEY)
        assert both.got.status == 401
