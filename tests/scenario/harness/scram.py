"""The client's side of SASL PLAIN (RFC 4616) and SCRAM (RFC 5802, 7677)."""

import base64
import hashlib
import hmac
import secrets

from .errors import Failure

HASHES = {"SCRAM-SHA-1": "sha1", "SCRAM-SHA-256": "sha256", "SCRAM-SHA-512": "sha512"}


def encode(data):
    if isinstance(data, str):
        data = data.encode()
    return base64.b64encode(data).decode()


def plain(user, password, authzid=""):
    return encode(f"{authzid}\0{user}\0{password}")


def quote(name):
    """RFC 5802 §5.1: saslname."""
    return name.replace("=", "=3D").replace(",", "=2C")


class Scram:
    """One exchange. `gs2` is the header's flag: "n", "y" or "p=<binding>"; `binding` the data."""

    def __init__(self, mechanism, user, password, gs2="n", binding=b"", authzid=""):
        base = mechanism.removesuffix("-PLUS")
        if base not in HASHES:
            raise Failure(f"this runner does not know the mechanism {mechanism}")
        self._hash = HASHES[base]
        self._password = password.encode()
        self._header = f"{gs2},{'a=' + quote(authzid) if authzid else ''},"
        self._binding = binding
        self.nonce = secrets.token_hex(12)
        self._bare = f"n={quote(user)},r={self.nonce}"
        self._server_signature = None

    def first(self):
        return self._header + self._bare

    def final(self, challenge):
        """The answer to the server's first message."""
        fields = dict(part.split("=", 1) for part in challenge.split(","))
        if not fields["r"].startswith(self.nonce) or len(fields["r"]) <= len(self.nonce):
            raise Failure("the server's nonce does not extend ours")
        salt, rounds = base64.b64decode(fields["s"], validate=True), int(fields["i"])
        salted = hashlib.pbkdf2_hmac(self._hash, self._password, salt, rounds)
        client_key = self._mac(salted, b"Client Key")
        stored = hashlib.new(self._hash, client_key).digest()
        bind = encode(self._header.encode() + self._binding)
        without_proof = f"c={bind},r={fields['r']}"
        message = f"{self._bare},{challenge},{without_proof}".encode()
        signature = self._mac(stored, message)
        proof = bytes(a ^ b for a, b in zip(client_key, signature))
        self._server_signature = self._mac(self._mac(salted, b"Server Key"), message)
        self.salt, self.rounds = salt, rounds
        return f"{without_proof},p={encode(proof)}"

    def verify(self, text):
        """Checks the server's last message."""
        if text != f"v={encode(self._server_signature)}":
            raise Failure(f"the server's signature is wrong: {text}")

    def _mac(self, key, message):
        return hmac.new(key, message, self._hash).digest()
