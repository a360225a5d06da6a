"""What `mitmdump -s addons/gateway.py` loads: puts the rooms together. Wiring only; the logic is in `addons.hooks`."""

from addons.hooks import Glassgate
from addons.inspect.web_guard import WebGuard

addons = [WebGuard(), Glassgate()]
