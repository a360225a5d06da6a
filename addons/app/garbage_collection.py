"""Python's garbage collection, kept from holding the event loop.

A full collection walks every object that can be in a cycle, while all streams wait. Two things make it short: the
objects of the start (some 400,000: modules, classes, schemas) are set apart and never walked again; and it comes after
20,000 new objects instead of 200,000, so that little has gathered. With 32 streams it then takes 15 to 50 ms, where it
took 150 to 250 ms. Python itself puts it off while the new objects are few beside those that live on.

The start itself makes hardly any garbage, so it is not looked for meanwhile: addons/gateway.py switches collections
off before it imports anything. They took a sixth of the start's time, to find a few thousand objects.
"""

import gc
from typing import Final

_THRESHOLDS: Final = (2000, 5, 2)
"""New objects until a young collection; young ones until a middle one; middle ones until a full one."""


def collect_in_small_steps() -> None:
    """Sets what the start has made apart from every later collection, and lets these begin."""
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
    gc.enable()
