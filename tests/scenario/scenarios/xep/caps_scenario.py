"""XEP-0115 and XEP-0390: the server's own capabilities in the stream features."""

import base64
import hashlib

from harness.errors import check, check_equal
from harness.stage import scenario

CAPS2 = "urn:xmpp:caps"
HASH = "{urn:xmpp:hashes:2}hash"
CAPS = "http://jabber.org/protocol/caps"
INFO = "http://jabber.org/protocol/disco#info"
FORM = "{jabber:x:data}"
LANG = "{http://www.w3.org/XML/1998/namespace}lang"


def verification_string(query):
    """XEP-0115 §5.1."""
    out = ""
    for identity in sorted("/".join((e.get("category"), e.get("type"), e.get(LANG, ""),
                                     e.get("name", ""))) for e in query.findall(f"{{{INFO}}}identity")):
        out += identity + "<"
    for feature in sorted(e.get("var") for e in query.findall(f"{{{INFO}}}feature")):
        out += feature + "<"
    forms = []
    for form in query.findall(f"{FORM}x"):
        fields = {f.get("var"): sorted(v.text or "" for v in f.findall(f"{FORM}value"))
                  for f in form.findall(f"{FORM}field")}
        forms.append((fields.pop("FORM_TYPE", [""])[0], fields))
    for kind, fields in sorted(forms, key=lambda form: form[0]):
        out += kind + "<"
        for name in sorted(fields):
            out += "<".join([name, *fields[name]]) + "<"
    return base64.b64encode(hashlib.sha1(out.encode()).digest()).decode()


@scenario()
def scenario_stream_feature(stage):
    """XEP-0115 §6.3: the hash in the features is that of the server's disco#info."""
    romeo = stage.client("romeo")
    romeo.login()
    caps = romeo.features.find(f"{{{CAPS}}}c")
    check(caps is not None, "there are no capabilities among the features")
    check_equal(caps.get("hash"), "sha-1", "the hash function")
    answer = romeo.iq("get", f"<query xmlns='{INFO}'/>", stage.host)
    check_equal(verification_string(answer[0]), caps.get("ver"), "the verification string")
    node = f"{caps.get('node')}#{caps.get('ver')}"
    again = romeo.iq("get", f"<query xmlns='{INFO}' node='{node}'/>", stage.host)
    check_equal(again.get("type"), "result", "the answer for the node of the capabilities")
    check_equal(again[0].get("node"), node, "the node in the answer")
    check_equal(verification_string(again[0]), caps.get("ver"), "the string of the node")


def hash_input(query, lang):
    """XEP-0390 §4.1; `lang` is what the stream says."""
    def part(texts, end):
        return b"".join(sorted(texts)) + end

    def text(value):
        return (value or "").encode() + b"\x1f"

    def field(element):
        return text(element.get("var")) + part(
            [text(v.text) for v in element.findall(f"{FORM}value")], b"\x1e")

    features = [text(e.get("var")) for e in query.findall(f"{{{INFO}}}feature")]
    identities = [b"".join(text(value) for value in (
        e.get("category"), e.get("type"), e.get(LANG, lang), e.get("name"))) + b"\x1e"
        for e in query.findall(f"{{{INFO}}}identity")]
    forms = [part([field(f) for f in x.findall(f"{FORM}field")], b"\x1d")
             for x in query.findall(f"{FORM}x")]
    return part(features, b"\x1c") + part(identities, b"\x1c") + part(forms, b"\x1c")


@scenario(differs={"prosody": "offers XEP-0115 only"})
def scenario_caps2(stage):
    """XEP-0390 §5.2, §5.5: the newer hash in the features, and the node that it names."""
    romeo = stage.client("romeo")
    romeo.login()
    caps = romeo.features.find(f"{{{CAPS2}}}c")
    check(caps is not None, "there are no capabilities 2.0 among the features")
    hashes = {e.get("algo"): e.text for e in caps.findall(HASH)}
    check("sha-256" in hashes, "there is no sha-256")
    plain = romeo.iq("get", f"<query xmlns='{INFO}'/>", stage.host)
    node = f"{CAPS2}#sha-256.{hashes['sha-256']}"
    named = romeo.iq("get", f"<query xmlns='{INFO}' node='{node}'/>", stage.host)
    for answer in (plain, named):
        check_equal(answer.get("type"), "result", "the answer")
        digest = hashlib.sha256(hash_input(answer[0], "en")).digest()
        check_equal(base64.b64encode(digest).decode(), hashes["sha-256"], "the hash")
    check_equal(named[0].get("node"), node, "the node in the answer")
    wrong = f"{CAPS2}#sha-256.{'A' * 43}="
    other = romeo.iq("get", f"<query xmlns='{INFO}' node='{wrong}'/>", stage.host)
    check_equal(other.get("type"), "error", "the answer for another hash")
