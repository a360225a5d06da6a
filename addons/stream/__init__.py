"""A client's request without I/O: HTTP/1 of clients, limits, and the machine of a request and its attempts.

It is mechanism alone: what an attempt sends, what the bytes mean and what follows a failure is asked of an
UpstreamAttempt (port.py) through `StreamDeps.find` and AttemptFailedHook. Two drivers move bytes and run hooks:
mitmproxy's layers (addons/layers) and our own (addons/driver).

  - Connections to providers are not the client's: the pool has them (addons/upstream), and hands in what comes.
  - Late words of an attempt that was given up are dropped.
  - Nothing reaches the client before the attempt gives its first bytes: that is the commit point.
  - Ticks serve every timer. They come from a single sweep over all that wait (sweeper.py).
  - A flow without an attempt never gets a connection.
"""
