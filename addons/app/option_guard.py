"""How far the process is open: mitmproxy's options, its listeners, and the keys and files that stand for them.

Judged at the start, when an option is changed, and (through `hosts`) by a reload.
"""

import logging
from collections.abc import Sequence
from typing import Any

from mitmproxy.exceptions import OptionsError
from mitmproxy.options import Options
from mitmproxy.proxy.mode_specs import ProxyMode

from addons.app.listeners import hosts_of, wanted_modes
from addons.app.proxy_options import misspelt, refused, unknown, warned
from addons.config.configuration import Config
from addons.config.exposure import judge
from addons.config.loader import ConfigError
from addons.config.schema import Sections, url_of

log = logging.getLogger("glassgate")


class OptionGuard:
    """Refuses options that would open the process. `given` are mitmproxy's, as they are at any time."""

    def __init__(self, given: Options) -> None:
        self._given = given
        self._scripts = list(given.scripts)
        """Those of the start, the gateway's own among them."""

    def checked_modes(self, config: Config) -> list[str]:
        """The proxy modes to run in. Raises ConfigError when options, listeners or files are too open."""
        found = [*refused(self._options()), *misspelt(self._given.deferred, self._given.keys())]
        modes = wanted_modes(config, self._given)
        if found := [*found, *judge(config, hosts_of(modes, self._given))]:
            raise ConfigError(found)
        return modes

    def check_change(self, config: Config, updated: set[str]) -> None:
        """What the start refuses is refused later too. Raises OptionsError: mitmproxy then puts the options back."""
        changed = {name: value for name, value in self._options().items() if name in updated}
        found = refused(changed)
        if not found and {"mode", "listen_host"} & updated:
            found = judge(config, self.hosts())
        if list(self._given.scripts) != self._scripts:
            found.append("mitmproxy's option scripts cannot be changed while the gateway runs; stop it first")
        if found:
            log.error("a changed option of mitmproxy was put back: %s", "; ".join(found))
            raise OptionsError("; ".join(found))
        for words in warned(changed):
            log.warning("%s", words)

    def report(self, config: Config) -> None:
        """Says at the start what is open and may be, and what of the files was passed over: one line each."""
        # Another script, which may be loaded after us, may define some; and the two config.yaml may be one file.
        strange = set(self._given.deferred) - set(Sections.model_fields) - {"providers"}
        names = unknown(sorted(strange), self._given.keys()) if len(self._scripts) <= 1 else []
        open_files = (file.open_words for file in config.files if file.open_words)
        for words in [*warned(self._options()), *names, *open_files, *config.notes]:
            log.warning("%s", words)

    def address(self, modes: Sequence[str], scheme: str = "http") -> str:
        """Where the first of these modes listens, for programs of this machine; without a slash at its end."""
        mode = ProxyMode.parse(modes[0])
        port = mode.listen_port(self._given.listen_port)
        return url_of(mode.listen_host(self._given.listen_host), port or 0, scheme)

    def hosts(self) -> list[str]:
        """The addresses listened on; empty for all of the machine's."""
        return hosts_of(self._given.mode, self._given)

    def _options(self) -> dict[str, Any]:
        return {name: getattr(self._given, name) for name in self._given.keys()}  # noqa: SIM118  (no mapping)
