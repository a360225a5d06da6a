"""What `mitmdump -s addons/gateway.py` loads: wiring only; the logic is in `addons.app.hooks`."""

import sys
from pathlib import Path

# This process alone knows our folders by these names (docs/architecture.md).
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from addons.app.hooks import Glassgate
from addons.mitm.web_guard import WebGuard

addons = [WebGuard(), Glassgate()]
