"""TLS as the RFCs want it: direct TLS, ALPN, several hosts."""

import socket
import ssl
import subprocess

from harness.errors import check, check_equal
from harness.stage import scenario

NO_ALPN = {"prosody": "0.12 does not look at ALPN"}


def _handshake(stage, port, sni, alpn=None):
    """A handshake on a fresh connection; the TLS socket."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if alpn:
        context.set_alpn_protocols(alpn)
    return context.wrap_socket(socket.create_connection((stage.address, port), 5),
                               server_hostname=sni)


@scenario()
def scenario_direct(stage):
    """XEP-0368: TLS from the first byte; the rest is as always, without STARTTLS."""
    romeo = stage.client("romeo")
    romeo.secure(direct_tls=True)
    check(not romeo.offers("urn:ietf:params:xml:ns:xmpp-tls", "starttls"), "STARTTLS is offered")
    check(romeo.mechanisms(), "no mechanism is offered")
    romeo.authenticate()
    romeo.open_stream()
    romeo.bind("orchard")
    romeo.ping()


@scenario(users="", differs=NO_ALPN)
def scenario_alpn(stage):
    """XEP-0368 §2.1, RFC 7301: xmpp-client is chosen; without ALPN it works too."""
    with _handshake(stage, stage.tls_port, stage.host, ["xmpp-client"]) as tls:
        check_equal(tls.selected_alpn_protocol(), "xmpp-client", "the chosen protocol")
    with _handshake(stage, stage.tls_port, stage.host, ["h2", "xmpp-client"]) as tls:
        check_equal(tls.selected_alpn_protocol(), "xmpp-client", "the chosen protocol")
    with _handshake(stage, stage.tls_port, stage.host) as tls:
        check_equal(tls.selected_alpn_protocol(), None, "the chosen protocol")


@scenario(users="", differs=NO_ALPN)
def scenario_alpn_other(stage):
    """RFC 7301 §3.2: no common protocol ends the handshake, so that nothing is confused (ALPACA)."""
    try:
        _handshake(stage, stage.tls_port, stage.host, ["http/1.1"]).close()
    except (ssl.SSLError, ConnectionError):
        return
    raise AssertionError("the handshake succeeded with http/1.1")


@scenario(users="")
def scenario_hosts_by_sni(stage):
    """RFC 6066 §3: each host shows its own certificate on direct TLS."""
    for host in (stage.host, stage.second_host):
        with _handshake(stage, stage.tls_port, host, ["xmpp-client"]) as tls:
            check(host.encode() in tls.getpeercert(binary_form=True),
                  f"the certificate for {host} does not name it")


@scenario(users="")
def scenario_hosts_by_stream(stage):
    """RFC 6120 §5.4.3.1: with STARTTLS the header names the host; SNI may be missing."""
    for host in (stage.host, stage.second_host):
        carol = stage.raw(host)
        carol.connect_tcp()
        carol.open_stream(host)
        check_equal(carol.header.get("from"), host, "who answers")
        carol.negotiate_tls(sni=host)
        check(host.encode() in carol.socket.getpeercert(binary_form=True),
              f"the certificate for {host} does not name it")


@scenario(users="romeo", host="capulet.example")
def scenario_second_host(stage):
    """An account of the second host logs in there, and is a stranger on the first."""
    romeo = stage.client("romeo")
    romeo.login()
    check(romeo.jid.startswith(stage.bare("romeo") + "/"), f"bound to {romeo.jid}")
    check_equal(romeo.iq("get", "<ping xmlns='urn:xmpp:ping'/>", stage.second_host).get("type"),
                "result", "the ping")
    stranger = stage.raw("stranger")
    stranger.secure()
    try:
        stranger.authenticate("PLAIN", user=romeo.account.user, password=romeo.account.password)
    except Exception as failure:  # SaslFailure, or the end of the stream
        check("not-authorized" in str(failure), str(failure))
        return
    raise AssertionError("an account of the second host logged in on the first")


@scenario(users="")
def scenario_no_compression(stage):
    """RFC 7590 §3.3: no TLS compression, and at least 128 bits."""
    with _handshake(stage, stage.tls_port, stage.host) as tls:
        check_equal(tls.compression(), None, "TLS compression")
        check(tls.cipher()[2] >= 128, f"the cipher {tls.cipher()} is weak")


@scenario(users="")
def scenario_weak_ciphers(stage):
    """RFC 7590 §3.4: no RC4, no 3DES, no anonymous and no export ciphers."""
    for name in ("RC4", "3DES", "aNULL", "EXPORT", "eNULL", "SEED"):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        try:
            context.set_ciphers(f"{name}:@SECLEVEL=0")
        except ssl.SSLError:
            continue  # this OpenSSL has none of them
        try:
            with socket.create_connection((stage.address, stage.tls_port), 5) as plain:
                context.wrap_socket(plain, server_hostname=stage.host).close()
        except (ssl.SSLError, ConnectionError):
            continue
        raise AssertionError(f"a cipher of {name} was accepted")


@scenario(users="")
def scenario_no_renegotiation(stage):
    """RFC 7590 §3.2, RFC 9325 §3.5: TLS 1.2 with a client that wants another handshake."""
    with subprocess.Popen(
            ["openssl", "s_client", "-connect", f"{stage.address}:{stage.tls_port}", "-tls1_2",
             "-alpn", "xmpp-client"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT) as client:
        try:
            for line in client.stdout:
                if b"Verify return code" in line:
                    break
            # A line with a single R makes s_client ask for it.
            client.stdin.write(b"R\n")
            client.stdin.flush()
            said, _ = client.communicate(timeout=10)
        finally:
            client.kill()
    check(b"RENEGOTIATING" in said, f"s_client did not try: {said}")
    check(b"no renegotiation" in said, f"the server did not refuse: {said}")
