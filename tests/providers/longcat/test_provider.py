"""A sign-in out of the environment."""

from providers.longcat.provider import LongCat


def test_the_environment_may_hold_a_sign_in() -> None:
    found = LongCat.from_environment({"LONGCAT_PASSPORT_TOKEN": "abc"})
    assert found is not None
    assert found.cookies == {"passport_token_key": "abc"}
    assert LongCat.from_environment({"LONGCAT_PASSPORT_TOKEN": ""}) is None
    assert LongCat.from_environment({}) is None
