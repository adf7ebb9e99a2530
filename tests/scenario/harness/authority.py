"""A small certificate authority, made on the fly with openssl."""

import subprocess
from pathlib import Path

CURVE = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
_CONFIG = """
[ca]
default_ca = this
[this]
database = index
serial = serial
new_certs_dir = .
default_md = sha256
default_crl_days = 2
policy = any
copy_extensions = none
unique_subject = no
[any]
commonName = supplied
"""
_XMPP_ADDRESS = "1.3.6.1.5.5.7.8.5"
_SRV_NAME = "1.3.6.1.5.5.7.8.7"


class Authority:
    """Certificates of servers; files are made in `folder`. Paths are strings."""

    def __init__(self, folder, name="authority"):
        self.folder = Path(folder)
        self.name = name
        self.folder.mkdir(exist_ok=True)
        (self.folder / "index").touch()
        (self.folder / "serial").write_text("01\n")
        (self.folder / "ca.cnf").write_text(_CONFIG)
        self._run("req", "-x509", *CURVE, "-days", "2", "-subj", f"/CN={name}",
                  "-keyout", "ca.key", "-out", "ca.crt")
        self.certificate = str(self.folder / "ca.crt")

    def _run(self, *arguments):
        done = subprocess.run(["openssl", *arguments], capture_output=True, cwd=self.folder,
                              text=True)
        if done.returncode:
            raise RuntimeError(f"openssl {' '.join(arguments)}: {done.stderr}")

    def _paths(self, name):
        return str(self.folder / f"{name}.crt"), str(self.folder / f"{name}.key")

    def server(self, name, *domains, srv=(), xmpp=(), expired=False):
        """A certificate for these names, "*.example.org" among them; (certificate, key)."""
        names = [f"DNS:{domain}" for domain in domains]
        names += [f"otherName:{_SRV_NAME};IA5STRING:_xmpp-server.{domain}" for domain in srv]
        names += [f"otherName:{_XMPP_ADDRESS};UTF8:{address}" for address in xmpp]
        extensions = self.folder / f"{name}.ext"
        extensions.write_text("subjectAltName=" + ",".join(names) + "\n")
        self._run("req", *CURVE, "-subj", f"/CN={name}", "-keyout", f"{name}.key",
                  "-out", f"{name}.csr")
        when = ("-startdate", "200101000000Z", "-enddate", "200102000000Z") if expired else (
            "-days", "2")
        self._run("ca", "-batch", "-notext", "-config", "ca.cnf", "-cert", "ca.crt",
                  "-keyfile", "ca.key", "-in", f"{name}.csr", "-extfile", str(extensions), *when,
                  "-out", f"{name}.crt")
        return self._paths(name)

    def public_key(self, certificate):
        """SubjectPublicKeyInfo of this certificate, DER."""
        pem = subprocess.run(["openssl", "x509", "-in", certificate, "-noout", "-pubkey"],
                             capture_output=True, check=True).stdout
        return subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"], input=pem,
                              capture_output=True, check=True).stdout

    def self_signed(self, name, domain):
        self._run("req", "-x509", *CURVE, "-days", "2", "-subj", f"/CN={name}",
                  "-addext", f"subjectAltName=DNS:{domain}",
                  "-keyout", f"{name}.key", "-out", f"{name}.crt")
        return self._paths(name)

    def revoke(self, name):
        self._run("ca", "-config", "ca.cnf", "-cert", "ca.crt", "-keyfile", "ca.key",
                  "-revoke", f"{name}.crt")

    def revocations(self):
        """The list of what was revoked so far; its path."""
        self._run("ca", "-config", "ca.cnf", "-gencrl", "-cert", "ca.crt", "-keyfile", "ca.key",
                  "-out", "ca.crl")
        return str(self.folder / "ca.crl")
