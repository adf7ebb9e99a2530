"""XEP-0115: the server's own capabilities in the stream features."""

import base64
import hashlib

from harness.errors import check, check_equal
from harness.stage import scenario

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
