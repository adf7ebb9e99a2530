"""HTTP of those who mean harm: RFC 9112 to the letter, nothing smuggled behind a request."""

import re
import socket

from harness.errors import check, check_equal
from harness.stage import scenario

ONLY_OURS = {"prosody": "is not under test here"}
PAGE = "metrics = {enabled = true, port = 0}"
HIDDEN = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"

BAD = {
    "two lengths": f"Content-Length: {len(HIDDEN)}\r\nContent-Length: 0\r\n\r\n{HIDDEN}",
    "a negative length": f"Content-Length: -1\r\n\r\n{HIDDEN}",
    "a length with a sign": f"Content-Length: +{len(HIDDEN)}\r\n\r\n{HIDDEN}",
    "two lengths in one": f"Content-Length: {len(HIDDEN)}, 0\r\n\r\n{HIDDEN}",
    "a length and chunks": "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
                           f"0\r\n\r\n{HIDDEN}",
    "an unknown coding": f"Transfer-Encoding: chunked, hidden\r\n\r\n0\r\n\r\n{HIDDEN}",
    "a space before the colon": f"Content-Length : {len(HIDDEN)}\r\n\r\n{HIDDEN}",
    "a folded line": f"X: a\r\n b: c\r\n Content-Length: {len(HIDDEN)}\r\n\r\n{HIDDEN}",
    "a line that is no header": f"Nothing here\r\n\r\n{HIDDEN}",
    "a NUL": f"X: a\0b\r\n\r\n{HIDDEN}",
}


def _address(stage):
    found = re.findall(r" metrics url=http://([0-9.]+):([0-9]+)/metrics", stage.server.log_text())
    check(found, "the log does not say where the page is")
    return found[-1][0], int(found[-1][1])


def _exchange(stage, request):
    """The status of each answer to what is sent, and whether the server closed at the end."""
    with socket.create_connection(_address(stage), timeout=5) as connection:
        connection.settimeout(1.5)
        got, closed = b"", False
        try:
            connection.sendall(request.encode("latin-1"))
            while piece := connection.recv(65536):
                got += piece
            closed = True
        except TimeoutError:
            pass
        except ConnectionError:
            closed = True
    return [int(s) for s in re.findall(rb"HTTP/1\.[01] (\d{3}) ", got)], closed


@scenario(config=PAGE, differs=ONLY_OURS)
def scenario_strict_framing(stage):
    """RFC 9112 §6.3, §11.2: a request whose end is in doubt is the last of its connection; what
    hides behind it is never a request."""
    for what, rest in BAD.items():
        answers, closed = _exchange(stage, f"GET /metrics HTTP/1.1\r\nHost: x\r\n{rest}")
        # The library writes the head of some of its errors twice, which hides nothing.
        check(set(answers) <= {400, 501} or answers == [200], f"{what}: {answers}")
        check(closed, f"{what}: the connection stays open")
    answers, closed = _exchange(stage, f"GET /metrics HTTP/1.1\r\n\r\n{HIDDEN}")
    check(set(answers) == {400} and closed, f"without Host (RFC 9112 §3.2): {answers}")


@scenario(config=PAGE, differs=ONLY_OURS)
def scenario_bodies(stage):
    """Other methods are refused, and their bodies are neither read nor taken for requests."""
    for method in ("POST", "PUT", "DELETE", "HEAD", "OPTIONS", "BREW"):
        body = "" if method == "HEAD" else HIDDEN
        answers, closed = _exchange(
            stage, f"{method} /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n{body}")
        check_equal(answers, [405], method)
        check(closed or not body, f"{method}: the connection stays open behind a body")


@scenario(config=PAGE, differs=ONLY_OURS)
def scenario_too_long(stage):
    """RFC 9110 §15.5.15, RFC 6585 §5: a head without end gets an error, and memory has its limit."""
    for request in (f"GET /{'a' * 100_000} HTTP/1.1\r\nHost: x\r\n\r\n",
                    f"GET / HTTP/1.1\r\nHost: x\r\n{'X: a' * 40_000}\r\n\r\n",
                    "GET / HTTP/1.1\r\nHost: x\r\n" + "X: a\r\n" * 20_000 + "\r\n"):
        answers, closed = _exchange(stage, request)
        check(closed and answers in ([], [413], [414], [431]), f"{answers}, closed: {closed}")
    check_equal(_exchange(stage, HIDDEN)[0], [200], "others, afterwards")
