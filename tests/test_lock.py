"""The lock files: complete, as mitmproxy asks but for the overrides, and those only as long as they are needed."""

import re
import tomllib
from importlib.metadata import distributions, version

import pytest
from packaging.requirements import Requirement

from tests.support.processes import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
OVERRIDES = {Requirement(text).name: Requirement(text) for text in PROJECT["tool"]["uv"]["override-dependencies"]}
LOCKS = ("requirements.lock", "requirements-dev.lock")


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def pinned(lock: str) -> dict[str, list[Requirement]]:
    """The pins that apply here, by normal name."""
    found: dict[str, list[Requirement]] = {}
    text = (ROOT / lock).read_text(encoding="utf-8")
    for line in re.findall(r"^([a-z0-9].*?) \\$", text, re.MULTILINE | re.IGNORECASE):
        pin = Requirement(line)
        if pin.marker is None or pin.marker.evaluate():
            found.setdefault(normal(pin.name), []).append(pin)
    return found


def broken_bounds() -> dict[str, str]:
    """What an installed package asks for and does not get: package → the bound and whose it is."""
    found = {}
    for package in distributions():
        for text in package.requires or ():
            wanted = Requirement(text)
            if wanted.marker is not None and not wanted.marker.evaluate({"extra": ""}):
                continue
            if not wanted.specifier.contains(version(wanted.name), prereleases=True):  # raises for one that is missing
                found[normal(wanted.name)] = f"{package.name}: {wanted}"
    return found


def test_every_installed_package_has_what_it_needs_but_for_the_overrides() -> None:
    """As `pip check`, which knows no overrides. One that breaks no bound any more is to be removed."""
    broken = broken_bounds()
    assert set(broken) == set(OVERRIDES), broken
    assert all(said.startswith("mitmproxy: ") for said in broken.values()), broken


@pytest.mark.parametrize("lock", LOCKS)
def test_the_lock_holds_the_overrides(lock: str) -> None:
    pins = pinned(lock)
    for name, override in OVERRIDES.items():
        (pin,) = pins[name]
        assert override.specifier.contains(next(iter(pin.specifier)).version), f"{pin} is not {override}"


@pytest.mark.parametrize("lock", LOCKS)
def test_the_lock_is_what_is_installed(lock: str) -> None:
    for name, (pin, *others) in pinned(lock).items():
        assert not others
        assert pin.specifier.contains(version(name), prereleases=True), f"{pin} is not installed"


def test_each_override_has_its_reason_beside_it() -> None:
    lines = (ROOT / "pyproject.toml").read_text(encoding="utf-8").splitlines()
    for name in OVERRIDES:
        assert any(f'"{name}>=' in line and "# GHSA-" in line for line in lines), name
