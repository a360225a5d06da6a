"""What a program is started with, as lines for a shell, without the key. Pure."""

import shlex
from collections.abc import Iterator, Sequence

from addons.cli.running.program import Prepared, Program, Setting

STAND_IN = "THE-KEY"


def lines(program: Program, setting: Setting, prepared: Prepared, source: str, words: Sequence[str]) -> Iterator[str]:
    """Lines to be pasted. `prepared` was made with STAND_IN for the key and a folder the person is to have."""
    yield f"# {program.title} with {setting.model} of the gateway at {setting.url}"
    yield f"# {STAND_IN} stands for the key: {source}"
    if program.removed:
        yield f"unset {' '.join(program.removed)}"
    for name, value in prepared.environ.items():
        yield f"export {name}={shlex.quote(value)}"
    for name, text in prepared.files.items():
        path = setting.folder / name
        yield f"mkdir -p {shlex.quote(str(path.parent))}"
        yield f"cat > {shlex.quote(str(path))} <<'END'"
        yield from text.rstrip("\n").split("\n")
        yield "END"
    command = shlex.join([program.command, *prepared.arguments, *words] if program.command else list(words))
    if command:
        yield command
