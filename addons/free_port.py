"""Whether an address can be listened on, tried before mitmproxy does: its own words are of proxy modes."""

import socket


def why_taken(host: str, port: int) -> str | None:
    """Why nobody can listen there, in the system's words; None when one can."""
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind((host, port))
    except OSError as e:
        return e.strerror or str(e)
    return None


def taken_words(host: str, port: int, option: str) -> str | None:
    """A sentence with what to do, where one cannot listen. `option` is the flag that chooses another port."""
    reason = why_taken(host, port)
    if reason is None:
        return None
    place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    other = "end the program that has it (is a gateway running already?), or choose another port"
    return f"{place} cannot be listened on: {reason}; {other}: {option} {port + 1 if port < 65535 else port - 1}"
