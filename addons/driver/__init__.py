"""The gateway's own driver of HTTP/1.1 in the clear, on asyncio alone; and the acceptor, which gives clients to it.

What a request does is decided in addons/stream; connections that begin with TLS go on at mitmproxy's (addons/layers).
"""
