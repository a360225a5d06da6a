"""The gateway against its peers and against mitmproxy itself, all in one run: benchmarks/run.sh."""
