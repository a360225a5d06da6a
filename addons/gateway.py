"""What `mitmdump -s addons/gateway.py` loads: puts the rooms together. Wiring only; the logic is in `addons.hooks`."""

from addons.hooks import Glassgate

addons = [Glassgate()]
