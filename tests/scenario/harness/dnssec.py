"""Signs the answers of harness/dns.py (RFC 4034, ECDSA P-256 by RFC 6605): one zone, one key."""

import base64
import struct
import subprocess
import time
from pathlib import Path

from .dns import wire_name

ALGORITHM = 13  # ECDSAP256SHA256


def _run(*arguments, data=None):
    return subprocess.run(["openssl", *arguments], input=data, capture_output=True,
                          check=True).stdout


def _raw(signature):
    """r and s of 32 bytes each, out of DER (RFC 6605 §4)."""
    out, at = b"", 2
    for _ in range(2):
        size = signature[at + 1]
        out += signature[at + 2:at + 2 + size].lstrip(b"\0").rjust(32, b"\0")
        at += 2 + size
    return out


class Signer:
    """The key of `zone`, and the file that makes a resolver trust it."""

    def __init__(self, zone, folder):
        self.zone = zone
        self._key = str(Path(folder) / "zone.key")
        Path(self._key).write_bytes(_run("ecparam", "-name", "prime256v1", "-genkey", "-noout"))
        point = _run("ec", "-in", self._key, "-pubout", "-outform", "DER")[-64:]
        self.dnskey = struct.pack(">HBB", 257, 3, ALGORITHM) + point
        self._tag = self._key_tag()
        self.anchor = str(Path(folder) / "anchor")
        Path(self.anchor).write_text(f"{zone}. IN DNSKEY 257 3 {ALGORITHM} "
                                     f"{base64.b64encode(point).decode()}\n")

    def _key_tag(self):
        """RFC 4034 appendix B."""
        total = sum(byte << 8 if at % 2 == 0 else byte for at, byte in enumerate(self.dnskey))
        return (total + (total >> 16 & 0xFFFF)) & 0xFFFF

    def sign(self, records):
        """The RRSIG of a set of (name, type, data), all of one name and type."""
        name, kind, _ = records[0]
        now = int(time.time())
        labels = len(name.split("."))
        head = struct.pack(">HBBIIIH", kind, ALGORITHM, labels, 1, now + 3600, now - 3600,
                           self._tag) + wire_name(self.zone)
        # RFC 4034 §3.1.8.1, §6: in canonical form and order.
        text = head + b"".join(
            wire_name(name) + struct.pack(">HHIH", kind, 1, 1, len(data)) + data
            for data in sorted(data for _, _, data in records))
        return head + _raw(_run("dgst", "-sha256", "-sign", self._key, data=text))

    def nothing_but(self, name, kind, kinds):
        """An NSEC that says: this name has none of this kind, and nothing lies behind it."""
        windows = bytearray(32)
        for each in kinds - {kind}:
            windows[each // 8] |= 0x80 >> each % 8
        bitmap = bytes(windows).rstrip(b"\0")
        return b"\1\0" + wire_name(name) + bytes([0, len(bitmap)]) + bitmap
