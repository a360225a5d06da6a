"""A client that sends a lot is read a little at a time, and others have their turn between."""

import asyncio

from addons.layers.fair_reading import READ_BYTES, FairReader


async def read_beside_another() -> None:
    source, turns = asyncio.StreamReader(), 0
    source.feed_data(b"x" * (3 * READ_BYTES))
    source.feed_eof()
    reader = FairReader(source)

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    beside = asyncio.ensure_future(other())
    for number in range(3):
        assert len(await reader.read(65535)) == READ_BYTES
        assert turns > number
    assert await reader.read(65535) == b""
    beside.cancel()


async def read_while_it_comes() -> None:
    source = asyncio.StreamReader()
    reading = asyncio.ensure_future(FairReader(source).read(10))
    await asyncio.sleep(0)
    source.feed_data(b"hello")
    assert await reading == b"hello"


def test_others_have_a_turn_between_two_reads() -> None:
    asyncio.run(read_beside_another())


def test_what_comes_is_read_at_once() -> None:
    asyncio.run(read_while_it_comes())


async def read_while_held() -> None:
    source = asyncio.StreamReader()
    reader = FairReader(source)
    source.feed_data(b"one")
    assert await reader.read(10) == b"one"
    reader.hold()
    source.feed_data(b"two")
    source.feed_eof()
    reading = asyncio.ensure_future(reader.read(10))
    for _ in range(3):
        await asyncio.sleep(0)
    assert not reading.done()
    reader.go_on()
    assert await reading == b"two"
    assert await reader.read(10) == b""


def test_who_is_held_is_not_read() -> None:
    asyncio.run(read_while_held())
