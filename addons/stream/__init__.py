"""The stream layer: several upstream attempts behind one client request, inside mitmproxy.

The only package that touches mitmproxy's inner classes. It is mechanism alone: what an attempt sends, what the bytes
mean and what follows a failure is asked of an UpstreamAttempt (addons/stream/port.py) through `LayerDeps.find` and
AttemptFailedHook.

  - Connections to providers are not the client's: the pool has them (addons/upstream), and hands in what comes.
  - Late words of an attempt that was given up are dropped.
  - Nothing reaches the client before the attempt gives its first bytes: that is the commit point.
  - One Tick event serves every timer. Ticks come from a single sweep over all that wait (addons/stream/sweeper.py).
  - A flow without an attempt never gets a connection.
"""
