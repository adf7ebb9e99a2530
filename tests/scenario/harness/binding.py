"""Channel binding data of a TLS connection: RFC 5929 and RFC 9266."""

import ctypes
import hashlib
import platform
import sys

_HASH_OF_SIGNATURE = {  # the OIDs' last bytes, RFC 5758 and RFC 8017
    bytes.fromhex("2a864886f70d01010b"): "sha256",
    bytes.fromhex("2a864886f70d01010c"): "sha384",
    bytes.fromhex("2a864886f70d01010d"): "sha512",
    bytes.fromhex("2a8648ce3d040302"): "sha256",
    bytes.fromhex("2a8648ce3d040303"): "sha384",
    bytes.fromhex("2a8648ce3d040304"): "sha512",
}


def _der(data, offset=0):
    """One DER value: (content, offset behind it)."""
    length, start = data[offset + 1], offset + 2
    if length & 0x80:
        count = length & 0x7F
        length = int.from_bytes(data[start:start + count], "big")
        start += count
    return data[start:start + length], start + length


def tls_server_end_point(tls_socket):
    """RFC 5929 §4: the certificate's hash with its signature's hash, at least SHA-256."""
    certificate = tls_socket.getpeercert(binary_form=True)
    outer, _ = _der(certificate)
    _, after_tbs = _der(outer)
    algorithm, _ = _der(outer, after_tbs)
    oid, _ = _der(algorithm)
    return hashlib.new(_HASH_OF_SIGNATURE.get(oid, "sha256"), certificate).digest()


def can_export():
    """Whether `tls_exporter` works here. Python's ssl does not offer it, so that OpenSSL is asked
    directly; where the SSL pointer lies is known for these versions of CPython only."""
    return platform.python_implementation() == "CPython" and (3, 9) <= sys.version_info[:2] <= (3, 12)


def tls_exporter(tls_socket):
    """RFC 9266: 32 bytes of exported keying material."""
    if not can_export():
        raise NotImplementedError("tls-exporter is out of reach in this Python")
    # struct PySSLSocket: PyObject_HEAD (two words), PyObject *Socket, SSL *ssl.
    words = ctypes.cast(id(tls_socket._sslobj), ctypes.POINTER(ctypes.c_void_p))
    out = ctypes.create_string_buffer(32)
    label = b"EXPORTER-Channel-Binding"
    library = ctypes.CDLL("libssl.so.3")
    export = library.SSL_export_keying_material
    export.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p,
                       ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int]
    if export(words[3], out, 32, label, len(label), b"", 0, 1) != 1:
        raise RuntimeError("SSL_export_keying_material failed")
    return out.raw


def data(kind, tls_socket):
    return {"tls-server-end-point": tls_server_end_point, "tls-exporter": tls_exporter}[kind](tls_socket)
