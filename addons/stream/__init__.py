"""The stream layer: several upstream attempts behind one client request, inside mitmproxy.

The only package that touches mitmproxy's inner classes. It is mechanism alone: what an attempt sends, what the bytes
mean and what follows a failure is asked of an UpstreamAttempt (addons/stream/port.py) through `LayerDeps.find` and
AttemptFailedHook.

  - An attempt has a (negative) id of its own; late words of one that was given up match nothing and are dropped.
  - Nothing reaches the client before the attempt gives its first bytes: that is the commit point.
  - One Tick event serves every timer. Ticks come from a single sweep over all that wait (addons/stream/sweeper.py).
  - A flow without an attempt never gets a connection.
"""
