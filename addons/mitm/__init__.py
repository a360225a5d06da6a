"""Patches of mitmproxy outside its proxy core: its inspector, exports, list of flows, version check."""
