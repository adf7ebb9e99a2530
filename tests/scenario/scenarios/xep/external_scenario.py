"""XEP-0178 §2: login with a certificate (SASL EXTERNAL)."""

import subprocess
import time

from harness import sasl2
from harness.client import SaslFailure
from harness.errors import Failure, check, check_equal
from harness.scram import encode
from harness.stage import scenario

ONLY_OURS = {"prosody": "is not configured for it"}
CURVE = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
NAMES = """
[ca]
default_ca = this
[this]
database = {folder}/index
default_md = sha256
default_crl_days = 2
"""


class Authorities:
    """Those of the users of the first host ("ca") and of the second ("other")."""

    def __init__(self, stage):
        self.folder = stage.server.folder
        (self.folder / "index").touch()
        (self.folder / "ca.cnf").write_text(NAMES.format(folder=self.folder))
        for name in ("ca", "other"):
            self._run("req", "-x509", *CURVE, "-days", "2", "-subj", f"/CN={name}",
                      "-keyout", f"{name}.key", "-out", f"{name}.crt")
        self._revocations()
        path = str(self.folder)
        stage.server.apply({**stage.server.settings, "hosts": {
            stage.server.host: {"client_ca": f"{path}/ca.crt", "client_crl": f"{path}/ca.crl"},
            stage.server.second_host: {"client_ca": f"{path}/other.crt"}}})
        stage.server.control("reload")

    def _run(self, *arguments):
        subprocess.run(["openssl", *arguments], check=True, capture_output=True, cwd=self.folder)

    def _revocations(self):
        self._run("ca", "-config", "ca.cnf", "-gencrl", "-cert", "ca.crt", "-keyfile", "ca.key",
                  "-out", "ca.crl")

    def certificate(self, name, *addresses, by="ca", days=2, usage="clientAuth"):
        """A user's certificate; (certificate, key)."""
        extensions = f"extendedKeyUsage={usage}\n"
        if addresses:
            extensions += "subjectAltName=" + ",".join(
                f"otherName:1.3.6.1.5.5.7.8.5;UTF8:{address}" for address in addresses) + "\n"
        (self.folder / f"{name}.ext").write_text(extensions)
        self._run("req", *CURVE, "-subj", f"/CN={name}", "-keyout", f"{name}.key",
                  "-out", f"{name}.csr")
        self._run("x509", "-req", "-in", f"{name}.csr", "-CA", f"{by}.crt", "-CAkey", f"{by}.key",
                  "-CAcreateserial", "-days", str(days), "-extfile", f"{name}.ext",
                  "-out", f"{name}.crt")
        return str(self.folder / f"{name}.crt"), str(self.folder / f"{name}.key")

    def revoke(self, certificate):
        self._run("ca", "-config", "ca.cnf", "-revoke", certificate, "-cert", "ca.crt",
                  "-keyfile", "ca.key")
        self._revocations()


def _client(stage, certificate, name=None, user="romeo"):
    client = stage.client(user, name=name)
    client.certificate = certificate
    return client


def _external(client, authzid=""):
    client.sasl_auth("EXTERNAL", encode(authzid.encode()) if authzid else "=")
    client.sasl_answer("success")
    client.open_stream()
    client.bind()


def _is_refused(client, condition, authzid=""):
    try:
        client.sasl_auth("EXTERNAL", encode(authzid.encode()) if authzid else "=")
        client.sasl_answer("success")
    except SaslFailure as failure:
        check_equal(failure.condition, condition, f"the condition for {client.name}")
        return
    raise Failure(f"{client.name} got in")


@scenario(fresh=True, differs=ONLY_OURS)
def scenario_one_address(stage):
    """§2, 11a: the address in the certificate is who it is; over STARTTLS and direct TLS."""
    shown = Authorities(stage).certificate("one", stage.bare("romeo"))
    for direct in (False, True):
        for authzid in ("", stage.bare("romeo")):
            romeo = _client(stage, shown, name=f"direct {direct} {authzid}")
            romeo.secure(direct)
            check_equal(romeo.mechanisms()[0], "EXTERNAL", "the first mechanism")
            _external(romeo, authzid)
            check(romeo.jid.startswith(stage.bare("romeo") + "/"), romeo.jid)
            romeo.ping()
    other = _client(stage, shown, name="other")
    other.secure()
    _is_refused(other, "invalid-authzid", stage.bare("juliet"))


@scenario(fresh=True, differs=ONLY_OURS)
def scenario_in_sasl2(stage):
    """XEP-0388: the same, with binding in one step; and no token for it (XEP-0484)."""
    romeo = _client(stage, Authorities(stage).certificate("sasl2", stage.bare("romeo")))
    sasl2.open_tls(romeo)
    check("EXTERNAL" in sasl2.mechanisms(romeo), "EXTERNAL is not offered")
    romeo.write(sasl2.authenticate_text("EXTERNAL", "", sasl2.user_agent() + sasl2.bind()
                                        + sasl2.request_token()))
    element = sasl2.success(romeo)
    check(romeo.jid.startswith(stage.bare("romeo") + "/scenario/"), romeo.jid)
    check(sasl2.token_of(element) is None, "a token that outlives the certificate")


@scenario(fresh=True, differs=ONLY_OURS)
def scenario_several_addresses(stage):
    """§2, 11b: of several the client names one."""
    shown = Authorities(stage).certificate("several", stage.bare("romeo"), stage.bare("juliet"))
    silent = _client(stage, shown, name="silent")
    silent.secure()
    _is_refused(silent, "invalid-authzid")
    for user in ("romeo", "juliet"):
        client = _client(stage, shown, user=user)
        client.secure()
        _external(client, stage.bare(user))
        check(client.jid.startswith(stage.bare(user) + "/"), client.jid)


@scenario(fresh=True, differs=ONLY_OURS)
def scenario_nobody_else_gets_in(stage):
    """Expired, of another authority or host, revoked, without an address, for servers: refused."""
    bare = stage.bare("romeo")
    made = Authorities(stage)
    revoked = made.certificate("revoked", bare)
    made.revoke(revoked[0])
    stage.server.control("reload")
    table = {
        "expired": (made.certificate("expired", bare, days=-1), "expired"),
        "another authority": (made.certificate("foreign", bare, by="other"), "not trusted"),
        "another host": (made.certificate("elsewhere", "romeo@elsewhere.example"), "names no account"),
        "no address": (made.certificate("nameless"), "names no account"),
        "revoked": (revoked, "revoked"),
        "a server's": (made.certificate("server", bare, usage="serverAuth"), "not valid"),
    }
    for name, (shown, why) in table.items():
        romeo = _client(stage, shown, name=name)
        romeo.secure()
        check("EXTERNAL" not in romeo.mechanisms(), f"EXTERNAL is offered to {name}")
        _is_refused(romeo, "not-authorized")
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            lines = [x for x in stage.server.log_text().splitlines()
                     if "login failed" in x and "EXTERNAL" in x and why in x]
            if lines:
                break
            time.sleep(0.02)
        check(lines, f"no line in the log says of {name}: {why}")
        romeo.authenticate("PLAIN")  # it is the certificate that is refused, not the person
    unknown = _client(stage, made.certificate("unknown", f"nobody@{stage.host}"), name="unknown")
    unknown.secure()
    _is_refused(unknown, "not-authorized")
    none = stage.client("romeo", name="none")
    none.secure()
    check("EXTERNAL" not in none.mechanisms(), "EXTERNAL is offered without a certificate")
    _is_refused(none, "invalid-mechanism")


@scenario(fresh=True, differs=ONLY_OURS)
def scenario_authorities_of_one_host(stage):
    """Whom one host's authorities certify gets in there, and not at another host of the server."""
    shown = Authorities(stage).certificate("crossing", stage.bare("romeo"), by="other")
    for sni in ("capulet.example", stage.host):
        romeo = _client(stage, shown, name=f"by way of {sni}")
        romeo.connect_tcp(direct_tls=True, sni=sni)
        romeo.open_stream()
        check("EXTERNAL" not in romeo.mechanisms(), f"EXTERNAL is offered by way of {sni}")
        _is_refused(romeo, "not-authorized")


@scenario(fresh=True, differs=ONLY_OURS)
def scenario_no_resumption(stage):
    """A TLS session cannot be resumed where certificates count: each is looked at."""
    romeo = _client(stage, Authorities(stage).certificate("resuming", stage.bare("romeo")))
    romeo.secure(True)
    check(romeo.socket.session is None or not romeo.socket.session.has_ticket, "a ticket came")
