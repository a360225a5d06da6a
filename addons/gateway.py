"""What `mitmdump -s addons/gateway.py` loads: wiring only; the logic is in `addons.app.hooks`."""

from addons.app.hooks import Glassgate
from addons.mitm.web_guard import WebGuard

addons = [WebGuard(), Glassgate()]
