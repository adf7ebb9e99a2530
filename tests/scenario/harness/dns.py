"""A name server of a few lines: answers from a table on a loopback port, by UDP and TCP."""

import socket
import struct
import threading

A, AAAA, SRV, TLSA = 1, 28, 33, 52
DNSKEY, RRSIG, NSEC = 48, 46, 47
NO_SUCH_NAME = 3


def wire_name(text):
    labels = text.rstrip(".").encode("idna").split(b".") if text.rstrip(".") else []
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def read_name(data, at):
    labels = []
    while data[at]:
        labels.append(data[at + 1:at + 1 + data[at]].decode("ascii", "replace"))
        at += 1 + data[at]
    return ".".join(labels).lower(), at + 1


class NameServer:
    """`port` answers questions for what was added; every other name does not exist."""

    def __init__(self, signer=None):
        """`signer`: a harness.dnssec.Signer, where answers are to be signed."""
        self._signer = signer
        self._records = {}
        self.asked = []  # (name, type) of each question
        self._udp, self._tcp = self._bind()
        self.port = self._udp.getsockname()[1]
        for serve in (self._serve_udp, self._serve_tcp):
            threading.Thread(target=serve, daemon=True).start()

    @staticmethod
    def _bind():
        """The same port for both."""
        for _ in range(50):
            udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            udp.bind(("127.0.0.1", 0))
            tcp = socket.socket()
            tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                tcp.bind(udp.getsockname())
                tcp.listen()
                return udp, tcp
            except OSError:
                udp.close()
                tcp.close()
        raise OSError("no port is free for UDP and TCP")

    def close(self):
        for each in (self._udp, self._tcp):
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # UDP has no connection, but its reader wakes up
            each.close()

    def _add(self, name, kind, data):
        self._records.setdefault(name.rstrip(".").lower(), {}).setdefault(kind, []).append(data)

    def forget(self, name):
        self._records.pop(name.rstrip(".").lower(), None)

    def address(self, name, address):
        kind, family = (AAAA, socket.AF_INET6) if ":" in address else (A, socket.AF_INET)
        self._add(name, kind, socket.inet_pton(family, address))

    def srv(self, domain, target, port, priority=0, weight=0, service="_xmpp-server"):
        data = struct.pack(">HHH", priority, weight, port) + wire_name(target)
        self._add(f"{service}._tcp.{domain}", SRV, data)

    def tlsa(self, target, port, usage, selector, matching, data):
        self._add(f"_{port}._tcp.{target}", TLSA, bytes([usage, selector, matching]) + data)

    def _answer(self, question):
        number, flags = struct.unpack(">HH", question[:4])
        name, end = read_name(question, 12)
        kind = struct.unpack(">H", question[end:end + 2])[0]
        self.asked.append((name, kind))
        known = self._records.get(name)
        found = (known or {}).get(kind, [])
        # What lies above a name that exists does too (RFC 8020).
        exists = known is not None or any(each.endswith("." + name) for each in self._records)
        if self._signer:
            return self._signed(number, question[12:end + 4], name, kind, found)
        flags = 0x8480 | (flags & 0x0100) | (0 if exists else NO_SUCH_NAME)
        out = struct.pack(">HHHHHH", number, flags, 1, len(found), 0, 0) + question[12:end + 4]
        for data in found:
            out += b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 1, len(data)) + data
        return out

    def _signed(self, number, question, name, kind, found):
        """The same with signatures; what is not there is denied by an NSEC of that very name (RFC
        9824), without an error."""
        zone = self._signer.zone
        if (name, kind) == (zone, DNSKEY):
            found = [self._signer.dnskey]
        denied = [] if found else [(name, NSEC, self._signer.nothing_but(name, kind, self._kinds(name)))]
        records = [(name, kind, data) for data in found] or denied
        records.append((name, RRSIG, self._signer.sign(records)))
        counts = (len(records), 0) if found else (0, len(records))
        out = struct.pack(">HHHHHH", number, 0x8580, 1, *counts, 1) + question
        for owner, type_, data in records:
            out += wire_name(owner) + struct.pack(">HHIH", type_, 1, 1, len(data)) + data
        return out + b"\0" + struct.pack(">HHIH", 41, 4096, 0x8000, 0)  # EDNS, with DO

    def _kinds(self, name):
        own = set(self._records.get(name, {})) | {RRSIG, NSEC}
        return own | {DNSKEY} if name == self._signer.zone else own

    def _serve_udp(self):
        while True:
            try:
                question, asker = self._udp.recvfrom(4096)
                if question:
                    self._udp.sendto(self._answer(question), asker)
            except (IndexError, struct.error):
                continue  # no question
            except OSError:
                return

    def _serve_tcp(self):
        while True:
            try:
                connection, _ = self._tcp.accept()
                with connection:
                    connection.settimeout(2)
                    size = struct.unpack(">H", connection.recv(2))[0]
                    answer = self._answer(connection.recv(size))
                    connection.sendall(struct.pack(">H", len(answer)) + answer)
            except (IndexError, struct.error, TimeoutError):
                continue
            except OSError:
                if self._tcp.fileno() < 0:
                    return
