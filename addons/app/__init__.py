"""The gateway as one process: mitmproxy's hooks, wiring, background jobs, start, reload and end."""
