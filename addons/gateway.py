"""What `mitmdump -s addons/gateway.py` loads: wiring only; the logic is in `addons.app.hooks`."""

import gc
import sys
from pathlib import Path

# This process alone knows our folders by these names (docs/architecture.md).
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
gc.disable()  # until all runs: addons/app/garbage_collection.py

from addons.app.hooks import Glassgate  # noqa: E402
from addons.mitm.web_guard import WebGuard  # noqa: E402

addons = [WebGuard(), Glassgate()]
