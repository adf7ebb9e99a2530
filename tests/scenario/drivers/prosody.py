"""Prosody (0.12 of Debian): the server that the scenarios themselves are checked against."""

import shutil

from .server import HOST, SECOND_HOST, Server, make_certificate

_MODULES = ("roster saslauth tls disco ping version time uptime lastactivity vcard private "
            "register user_account_management offline presence message iq blocklist "
            "server_contact_info posix limits carbons csi csi_simple").split()


def _lua(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "{ " + ", ".join(_lua(item) for item in value) + " }"
    return str(value) if isinstance(value, (int, float)) else '"' + value.replace('"', '\\"') + '"'


class Prosody(Server):
    more_modules = ()  # for who wants more than the scenarios
    name = "prosody"

    # Settings of scenarios (README.md) that Prosody has too.
    _SETTINGS = {
        "auth_timeout_s": "c2s_timeout",
        "stanza_bytes_max": "c2s_stanza_size_limit",
        "contact_abuse": None,
        "registration": None,
    }

    @classmethod
    def unsupported(cls, settings):
        unknown = [key for key in settings if key not in cls._SETTINGS]
        return f"prosody has no setting for {', '.join(unknown)}" if unknown else None

    def command(self):
        binary = self.binary or shutil.which("prosody")
        return [binary, "--config", str(self.folder / "prosody.cfg.lua"), "-F"]

    def is_ready(self, line):
        return "Activated service 'c2s_direct_tls'" in line

    def prepare(self):
        (self.folder / "data").mkdir()
        for host in (HOST, SECOND_HOST):
            make_certificate(self.folder, host)
        self._write_accounts()
        self.apply(self.settings)

    def apply(self, settings):
        self.settings = settings
        modules = [*_MODULES, *self.more_modules]
        contact = settings.get("contact_abuse", "mailto:abuse@localhost")
        lines = [
            "run_as_root = true", "daemonize = false", f'data_path = "{self.folder}/data"',
            f'pidfile = "{self.folder}/prosody.pid"', 'interfaces = { "127.0.0.1" }',
            f"c2s_ports = {{ {self.port} }}", f"c2s_direct_tls_ports = {{ {self.tls_port} }}",
            "s2s_ports = { }", 'modules_disabled = { "s2s" }', "modules_enabled = " + _lua(modules),
            'authentication = "internal_plain"', "c2s_require_encryption = true",
            f"allow_registration = {_lua(settings.get('registration') == 'open')}",
            "log = { { levels = { min = \"debug\" }, to = \"console\" } }", f'certificates = "{self.folder}"',
            f"contact_info = {{ abuse = {{ {_lua(contact)} }} }}", "unlimited_jids = { }",
        ]
        for key, value in settings.items():
            if self._SETTINGS[key]:
                lines.append(f"{self._SETTINGS[key]} = {_lua(value)}")
        for host in (HOST, SECOND_HOST):
            certificate = f'certificate = "{self.folder}/{host}.crt", key = "{self.folder}/{host}.key"'
            lines += [f'VirtualHost "{host}"', f"  ssl = {{ {certificate} }}"]
        (self.folder / "prosody.cfg.lua").write_text("\n".join(lines) + "\n")

    def _write_accounts(self):
        for account in self.accounts:
            folder = self.folder / "data" / account.host.replace(".", "%2e") / "accounts"
            folder.mkdir(parents=True, exist_ok=True)
            name = "".join(c if c.isalnum() else f"%{ord(c):02x}" for c in account.user)
            (folder / f"{name}.dat").write_text(f'return {{ ["password"] = {_lua(account.password)} }};\n')
