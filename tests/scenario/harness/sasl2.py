"""A client's side of SASL2 (XEP-0388), Bind 2 (XEP-0386) and FAST (XEP-0484)."""

import base64
import hashlib
import hmac

from . import xmltree
from .client import SaslFailure
from .errors import Failure
from .scram import Scram, encode

SASL2 = "urn:xmpp:sasl:2"
BIND2 = "urn:xmpp:bind:0"
FAST = "urn:xmpp:fast:0"
SM = "urn:xmpp:sm:3"
UPGRADE = "urn:xmpp:sasl:upgrade:0"
SCRAM_UPGRADE = "urn:xmpp:scram-upgrade:0"
CB = "urn:xmpp:sasl-cb:0"

AGENT = "d4565fa7-4d72-4749-b3d3-740edbf87770"
OTHER_AGENT = "0b6f3d0e-53b5-4b63-9d3d-6d0b3d6a5f10"


def user_agent(identity=AGENT):
    return (f"<user-agent id='{identity}'><software>scenario</software>"
            "<device>a test</device></user-agent>")


def bind(inside="", tag="scenario"):
    return f"<bind xmlns='{BIND2}'><tag>{tag}</tag>{inside}</bind>"


def request_token(mechanism="HT-SHA-256-NONE"):
    return f"<request-token xmlns='{FAST}' mechanism='{mechanism}'/>"


def fast(attributes=""):
    return f"<fast xmlns='{FAST}' {attributes}/>"


def open_tls(client):
    """Direct TLS and a stream: up to the features that offer SASL2."""
    client.secure(direct_tls=True)
    return client.features


def offer(client):
    return client.features.find(f"{{{SASL2}}}authentication")


def mechanisms(client):
    return [e.text for e in offer(client).findall(f"{{{SASL2}}}mechanism")]


def token_mechanisms(client):
    path = f"{{{SASL2}}}inline/{{{FAST}}}fast/{{{FAST}}}mechanism"
    return [e.text for e in offer(client).findall(path)]


def authenticate_text(mechanism, initial, inside=""):
    if isinstance(initial, str):
        initial = initial.encode()
    return (f"<authenticate xmlns='{SASL2}' mechanism='{mechanism}'>"
            f"<initial-response>{encode(initial)}</initial-response>{inside}</authenticate>")


def take(client, name):
    """The next element, which must be this one of SASL2."""
    element = client.element()
    if element.tag == f"{{{SASL2}}}failure":
        raise SaslFailure(element)
    if element.tag != f"{{{SASL2}}}{name}":
        raise Failure(f"{client.name}: expected <{name}/>, got {xmltree.show(element, SASL2)}")
    return element


def success(client):
    """<success/> and the features behind it; `jid` is set when the session is bound."""
    element = take(client, "success")
    client.features = client.element()
    if client.features.tag != f"{{{xmltree.STREAM}}}features":
        raise Failure(f"{client.name}: no features behind <success/>")
    jid = element.find(f"{{{SASL2}}}authorization-identifier").text
    client.jid = jid if "/" in jid else None
    return element


def plain(client, inside="", password=None):
    password = client.account.password if password is None else password
    client.write(authenticate_text("PLAIN", f"\0{client.account.user}\0{password}", inside))
    return success(client)


def scram(client, inside="", mechanism="SCRAM-SHA-1"):
    """Up to what follows the mechanism: <success/> or <continue/> is for the caller."""
    exchange = Scram(mechanism, client.account.user, client.account.password)
    client.write(authenticate_text(mechanism, exchange.first(), inside))
    challenge = base64.b64decode(take(client, "challenge").text).decode()
    client.write(f"<response xmlns='{SASL2}'>{encode(exchange.final(challenge))}</response>")
    return challenge, exchange


def token_of(element):
    found = element.find(f"{{{FAST}}}token")
    return None if found is None else found.get("token")


def token_message(user, token, who="Initiator", binding=b"", digest="sha256"):
    proof = hmac.new(token.encode(), who.encode() + binding, digest).digest()
    return user.encode() + b"\0" + proof


def token_text(client, token, inside, mechanism="HT-SHA-256-NONE", binding=b"", user=None):
    digest = "sha512" if "512" in mechanism else "sha256"
    message = token_message(user or client.account.user, token, binding=binding, digest=digest)
    return authenticate_text(mechanism, message, inside)


def token_login(client, token, attributes="", inside="", agent=AGENT, **more):
    """The whole login, server's proof included."""
    client.write(token_text(client, token, user_agent(agent) + fast(attributes) + inside, **more))
    element = success(client)
    proof = base64.b64decode(element.find(f"{{{SASL2}}}additional-data").text)
    digest = hashlib.sha512 if "512" in more.get("mechanism", "") else hashlib.sha256
    expected = hmac.new(token.encode(), b"Responder" + more.get("binding", b""), digest).digest()
    if proof != expected:
        raise Failure(f"{client.name}: the server does not know the token")
    return element
