"""A web server of a few lines, with HTTPS, for several hosts on one port of loopback."""

import base64
import hashlib
import json
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

POSH = "/.well-known/posh/xmpp-server.json"


def fingerprint(certificate, name="sha256"):
    """Of a PEM file, as RFC 7711 §3.1 has it."""
    der = ssl.PEM_cert_to_DER_cert(Path(certificate).read_text())
    return base64.b64encode(hashlib.new(name, der).digest()).decode()


def posh(*certificates, expires=3600):
    """The document that names these certificates (PEM files)."""
    return json.dumps({"fingerprints": [{"sha-256": fingerprint(each)} for each in certificates],
                       "expires": expires})


def reference(url, expires=3600):
    return json.dumps({"url": url, "expires": expires})


class WebServer:
    """Serves what was put in until the scenario ends; anything else is not found."""

    def __init__(self, stage):
        self._authority = stage.server.authority
        self._contexts = {}
        self._pages = {}
        self.asked = []     # (host, path) of each request
        self.handshakes = []  # the name of each
        self.delay_s = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                outer._answer(self)

            def log_message(self, *_):
                pass

        class Threads(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass  # handshakes that fail are what some scenarios want

        self._server = Threads(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        front = self._context("web.example", "web.example")
        front.sni_callback = self._choose
        # The handshake is made in the thread of its connection.
        self._server.socket = front.wrap_socket(self._server.socket, server_side=True,
                                                do_handshake_on_connect=False)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        stage.keep(self)

    def close(self):
        self._server.shutdown()
        self._server.server_close()

    def _context(self, name, *domains):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self._authority.server(f"web-{name}", *domains))
        return context

    def _choose(self, connection, name, _):
        self.handshakes.append(name)
        if name in self._contexts:
            connection.context = self._contexts[name]

    def host(self, name, certificate_for=None):
        """Shows a certificate for `name`, or another name's."""
        self._contexts[name] = self._context(name, certificate_for or name)

    def put(self, host, text, path=POSH, status=200, **headers):
        if host not in self._contexts:
            self.host(host)
        self._pages[host, path] = (status, {key.replace("_", "-"): value
                                            for key, value in headers.items()}, text.encode())

    def _answer(self, request):
        host = request.headers.get("Host", "").partition(":")[0]
        self.asked.append((host, request.path))
        time.sleep(self.delay_s)
        status, headers, body = self._pages.get((host, request.path), (404, {}, b""))
        request.send_response(status)
        for key, value in headers.items():
            request.send_header(key, value)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)
