"""mitmproxy's layers as a driver of requests: TLS, HTTP/2 and HTTP/1 of clients, and what mitmproxy's handlers need.

What a request does is decided in addons/stream; its machine is a stream of mitmproxy's HTTP layer here.
"""
