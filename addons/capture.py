"""What `mitmdump -s addons/capture.py` loads: the capture proxy as a script. The logic is in addons/capturing/."""

from addons.capturing.addon import Capture

addons = [Capture()]
