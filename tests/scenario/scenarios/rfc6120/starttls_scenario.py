"""STARTTLS at the level of bytes: injection, protocol versions."""

import ssl

from harness import xmltree
from harness.errors import Closed, Failure, check, check_equal
from harness.stage import scenario
from harness.xmltree import TLS

HEADER = ("<stream:stream to='localhost' version='1.0' xmlns='jabber:client' "
          "xmlns:stream='http://etherx.jabber.org/streams'>")


@scenario(users="")
def scenario_injection(stage):
    """RFC 6120 §5.3.3, CVE-2011-0411: what was sent in the clear behind <starttls/> is not used."""
    carol = stage.raw("carol")
    carol.connect_tcp()
    carol.open_stream()
    # The injected header names another language, which would show in the answer.
    injected = HEADER.replace("version=", "xml:lang='it' version=")
    carol.write(f"<starttls xmlns='{TLS}'/>{injected}<injected/>")
    try:
        answer = carol.element()
        check_equal(answer.tag, f"{{{TLS}}}proceed", "the answer to <starttls/>")
        carol.start_tls("localhost")
    except Failure:
        return  # refusing it is right as well
    carol.quiet(0.3)
    check_equal(carol.text, "", "what came inside TLS before a stream was opened there")
    if not carol.eof:
        carol.open_stream()
        check(carol.header.get(f"{{{xmltree.XML}}}lang") != "it", "the injected header was used")


@scenario(users="")
def scenario_old_versions(stage):
    """RFC 7590 §3.2: TLS 1.0 and 1.1 are refused, 1.2 and 1.3 are spoken."""
    for version, wanted in ((ssl.TLSVersion.TLSv1, False), (ssl.TLSVersion.TLSv1_1, False),
                            (ssl.TLSVersion.TLSv1_2, True), (ssl.TLSVersion.TLSv1_3, True)):
        carol = stage.raw(version.name)
        carol.connect_tcp()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = context.maximum_version = version
        carol.open_stream()
        carol.write(f"<starttls xmlns='{TLS}'/>")
        carol.read_until("<proceed")
        try:
            carol.socket = context.wrap_socket(carol.socket, server_hostname="localhost")
            spoken = True
        except (ssl.SSLError, ConnectionError):
            spoken = False
        check_equal(spoken, wanted, f"whether {version.name} is spoken")


@scenario(users="", differs={"prosody": "its parser (Expat) may put off a token that came in pieces"})
def scenario_bytes_one_at_a_time(stage):
    """RFC 6120 §4: how the bytes come does not matter, also around STARTTLS."""
    carol = stage.raw("carol")
    carol.connect_tcp()
    for text in ("<?xml version='1.0'?>", HEADER):
        for byte in text.encode():
            carol.socket.sendall(bytes([byte]))
    carol.features = carol.element()
    for byte in f"<starttls xmlns='{TLS}'/>".encode():
        carol.socket.sendall(bytes([byte]))
    check_equal(carol.element().tag, f"{{{TLS}}}proceed", "the answer to <starttls/>")
    carol.start_tls("localhost")
    for byte in HEADER.encode():
        carol.socket.sendall(bytes([byte]))
    check(carol.element().tag.endswith("features"), "features inside TLS")


@scenario(users="")
def scenario_truncated_handshake(stage):
    """RFC 6120 §5.4.3.2: a client that leaves in the middle of the handshake harms nobody."""
    for length in (0, 1, 5, 40):
        carol = stage.raw(f"carol{length}")
        carol.connect_tcp()
        carol.open_stream()
        carol.write(f"<starttls xmlns='{TLS}'/>")
        carol.read_until("<proceed")
        carol.socket.sendall((b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(40))[:length])
        carol.drop()
    last = stage.raw("after")
    try:
        last.secure()
    except Closed as closed:
        raise Failure("the server does not serve others any more") from closed
