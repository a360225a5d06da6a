"""Stand-ins of the sites on loopback: HTTP servers for the demo, the tests and the benchmarks (docs/sandbox.md)."""
