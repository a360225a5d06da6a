"""Taking a session out of the person's own browsing: the parts of addons/capture.py."""
