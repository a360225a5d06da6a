"""What `mitmdump -s addons/capture.py` loads: the capture proxy as a script. The logic is in addons/capturing/."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # as in gateway.py

from addons.capturing.addon import Capture

addons = [Capture()]
