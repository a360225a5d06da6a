"""mitmproxy's hooks called by a table: which addons have a hook is found out once, not at each of its events.

mitmproxy asks every addon (some sixty) for a hook's function at each event, twice for one of a flow, and makes a
context manager for each. What is called, in which order, and what becomes of faults stays as AddonManager has it
(mitmproxy/addonmanager.py, 12.2); the one difference: a function that an addon gets after it was added, under the name
of a hook that was called already, is not seen until addons or options change.

What is lean, as mitmdump is here, does not even call those addons of mitmproxy's own that do nothing as long as their
option is unset (`is_idle`); the moment that is set they are called.
"""

import functools
import inspect
import logging
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any, Final

from mitmproxy import exceptions, flow
from mitmproxy.addonmanager import AddonManager, cut_traceback, traverse
from mitmproxy.addons import (
    anticache,
    anticomp,
    blocklist,
    dumper,
    maplocal,
    mapremote,
    modifybody,
    modifyheaders,
    onboarding,
    proxyauth,
    save,
    savehar,
    stickyauth,
    stickycookie,
    update_alt_svc,
    upstream_auth,
)
from mitmproxy.hooks import Hook, UpdateHook
from mitmproxy.log import AddLogHook
from mitmproxy.master import Master
from mitmproxy.options import Options

_LOG: Final = logging.getLogger("mitmproxy.addonmanager")

_IDLE_WITHOUT: Final[Mapping[type, str]] = {
    anticache.AntiCache: "anticache",
    anticomp.AntiComp: "anticomp",
    blocklist.BlockList: "block_list",
    dumper.Dumper: "flow_detail",
    maplocal.MapLocal: "map_local",
    mapremote.MapRemote: "map_remote",
    modifybody.ModifyBody: "modify_body",
    modifyheaders.ModifyHeaders: "modify_headers",
    onboarding.Onboarding: "onboarding",
    proxyauth.ProxyAuth: "proxyauth",
    save.Save: "save_stream_file",
    savehar.SaveHar: "hardump",
    stickyauth.StickyAuth: "stickyauth",
    stickycookie.StickyCookie: "stickycookie",
    upstream_auth.UpstreamAuth: "upstream_auth",
}
"""Addons whose hooks look at this option first, and do nothing where it is empty."""
_IDLE_WITH: Final[Mapping[type, str]] = {update_alt_svc.UpdateAltSvc: "keep_alt_svc_header"}
"""Addons whose hooks look at this option first, and do nothing where it is on."""

type Function = Callable[..., Any]
type Group = tuple[object, list[Function]]
"""An addon and its functions of one hook, its sub-addons' behind its own."""


def is_idle(addon: object, options: Options) -> bool:
    """Whether it is an addon of mitmproxy's own whose hooks do nothing with these options."""
    if (option := _IDLE_WITHOUT.get(type(addon))) is not None:
        return not getattr(options, option)
    return (option := _IDLE_WITH.get(type(addon))) is not None and bool(getattr(options, option))


def idle_addons(manager: AddonManager, options: Options) -> list[str]:
    """The names of those that are idle."""
    return [name for name, addon in manager.lookup.items() if is_idle(addon, options)]


class HookTable:
    """The functions of an AddonManager's addons, by hook. `skips` says whose hooks are not called at all."""

    def __init__(self, manager: AddonManager, options: Options, skips: Callable[[object], bool]) -> None:
        self._manager = manager
        self._skips = skips
        self._table: dict[str, list[Group]] = {}
        options.changed.connect(self._forget)
        manager.trigger_event = self.trigger_event  # type: ignore[method-assign]
        manager.handle_lifecycle = self.handle_lifecycle  # type: ignore[method-assign]
        for name in ("register", "remove", "clear"):  # (`add` registers)
            setattr(manager, name, self._forgetting(getattr(manager, name)))

    def has(self, name: str, besides: object = None) -> bool:
        """Whether any addon has a hook of that name, other than that one."""
        return any(addon is not besides for addon, _ in self._functions(name))

    async def handle_lifecycle(self, event: Hook) -> None:
        """Calls a hook, and after one of a flow `update`."""
        (message, *_) = args = _args(event)
        await self._call(event.name, args)
        if isinstance(message, flow.Flow) and self._functions(UpdateHook.name):
            await self._call(UpdateHook.name, [[message]])

    async def trigger_event(self, event: Hook) -> None:
        """Calls a hook of all addons, in their order."""
        await self._call(event.name, _args(event))

    async def _call(self, name: str, args: Sequence[Any]) -> None:
        """An addon that raises ends its own turn and that of its sub-addons; AddonHalt ends all turns.

        OptionsError is for whoever triggered the event, as is what is no Exception.
        """
        groups, at = self._functions(name), 0
        while at < len(groups):
            addon, functions = groups[at]
            at += 1
            try:
                for function in functions:
                    result = function(*args)
                    if result is not None and inspect.isawaitable(result):
                        await result
            except exceptions.AddonHalt:
                return
            except exceptions.OptionsError:
                raise
            except Exception as e:
                trace = cut_traceback(e.__traceback__, "_call")
                _LOG.error(f"Addon error: {e}", exc_info=(type(e), e, trace))
            if self._table.get(name) is not groups:
                groups, at = self._behind(addon, name) or (groups, at)  # those behind it may be others now

    def _behind(self, addon: object, name: str) -> tuple[list[Group], int] | None:
        """As the table has it now: whom to call, and who comes behind the addon; None where that has gone."""
        groups = self._functions(name)
        return next(((groups, at) for at, (one, _) in enumerate(groups, 1) if one is addon), None)

    def _functions(self, name: str) -> list[Group]:
        """The addons that have any, in their order."""
        found = self._table.get(name)
        if found is None:
            groups = [(one, _functions_of(one, name)) for one in self._manager.chain if not self._skips(one)]
            found = self._table[name] = [group for group in groups if group[1]]
        return found

    def _forget(self, updated: set[str]) -> None:
        self._table = {}

    def _forgetting(self, change: Function) -> Function:
        """The same change of the addons; what was found of them counts no more, however it ends."""

        @functools.wraps(change)
        def changed(*args: Any) -> Any:
            self._table = {}
            try:
                return change(*args)
            finally:
                self._table = {}

        return changed


def format_logs_for_hooks_alone(master: Master, table: HookTable) -> None:
    """Has each log record's text made for mitmproxy's old hook `add_log` only while an addon has that."""
    master._legacy_log_events.addFilter(lambda record: table.has(AddLogHook.name))


def _functions_of(addon: object, name: str) -> list[Function]:
    """An addon's functions of that name: its own, then those of its sub-addons.

    Where they cannot even be looked up, or are none, one that looks again and raises what that does.
    """
    try:
        return list(_found(addon, name))
    except Exception:
        return [_looking(addon, name)]


def _found(addon: object, name: str) -> Iterator[Function]:
    for one in traverse([addon]):
        function = getattr(one, name, None)
        if not function or isinstance(function, types.ModuleType):
            continue  # a script may have imported a module that is called as the hook is
        if not callable(function):
            raise exceptions.AddonManagerError(f"Addon handler {name} ({one}) not callable")
        yield function


def _looking(addon: object, name: str) -> Function:
    async def look(*args: object) -> None:
        for function in _found(addon, name):
            result = function(*args)
            if result is not None and inspect.isawaitable(result):
                await result

    return look


_NAMES: Final[dict[type[Hook], tuple[str, ...]]] = {}
"""The fields of each kind of event: there are some fifty kinds."""


def _args(event: Hook) -> list[Any]:
    kind = type(event)
    names = _NAMES.get(kind)
    if names is None:
        names = _NAMES[kind] = tuple(field.name for field in fields(kind))  # type: ignore[arg-type]
    return [getattr(event, name) for name in names]
