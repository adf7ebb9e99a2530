"""XEP-0388, XEP-0386, XEP-0474 and XEP-0480: login, session and features in one step."""

import base64
import hashlib
import hmac

from harness import sasl2
from harness.client import SaslFailure
from harness.errors import Failure, Timeout, check, check_equal
from harness.scram import Scram, encode
from harness.stage import scenario
from harness.xmltree import BIND, CLIENT

MAM = "urn:xmpp:mam:2"
PROSODY = {"prosody": "0.12 has no SASL2"}


def _online(stage, user="romeo", name=None):
    client = stage.client(user, name=name)
    sasl2.open_tls(client)
    return client


def _refused(client, condition):
    try:
        sasl2.take(client, "success")
    except SaslFailure as failure:
        check_equal(failure.condition, condition, "the condition")
        return
    raise Failure(f"expected <{condition}/>")


@scenario(differs=PROSODY)
def scenario_offer(stage):
    """XEP-0388 §2.1: after TLS, beside the old profile, with everything inline."""
    romeo = stage.client("romeo")
    romeo.connect_tcp()
    romeo.open_stream()
    check(sasl2.offer(romeo) is None, "SASL2 is offered without TLS")
    romeo.negotiate_tls()
    romeo.open_stream()
    check_equal(sorted(sasl2.mechanisms(romeo)), sorted(romeo.mechanisms()), "the mechanisms")
    inline = sasl2.offer(romeo).find(f"{{{sasl2.SASL2}}}inline")
    for name in (f"{{{sasl2.SM}}}sm", f"{{{sasl2.BIND2}}}bind", f"{{{sasl2.FAST}}}fast"):
        check(inline.find(name) is not None, f"{name} is not offered")
    features = inline.find(f"{{{sasl2.BIND2}}}bind/{{{sasl2.BIND2}}}inline")
    check(sasl2.SM in [f.get("var") for f in features], "stream management inside of bind")
    check("HT-SHA-256-NONE" in sasl2.token_mechanisms(romeo), "the token mechanisms")


@scenario(differs=PROSODY)
def scenario_login_and_bind_as_before(stage):
    """XEP-0388 §2.6.1: success, features, no new stream; then RFC 6120 §7."""
    romeo = _online(stage)
    element = sasl2.plain(romeo)
    check_equal(element.find(f"{{{sasl2.SASL2}}}authorization-identifier").text,
                stage.bare("romeo"), "the identity")
    check(romeo.offers(BIND, "bind"), "binding is offered")
    check(romeo.bind("orchard").endswith("/orchard"), "the resource")
    romeo.ping()


@scenario(differs=PROSODY)
def scenario_bind_inline(stage):
    """XEP-0386 §3.2: a stable resource that tells nothing of the client's id, and a live session."""
    jids = []
    for agent in (sasl2.AGENT, sasl2.AGENT, sasl2.OTHER_AGENT):
        romeo = _online(stage)
        element = sasl2.plain(romeo, sasl2.user_agent(agent) + sasl2.bind())
        check(element.find(f"{{{sasl2.BIND2}}}bound") is not None, "<bound/>")
        check(not romeo.offers(BIND, "bind"), "a bound stream binds no more")
        check(romeo.jid.startswith(stage.bare("romeo") + "/scenario/"), romeo.jid)
        check(agent[:8] not in romeo.jid, "the id shows")
        romeo.write("<presence/>")
        romeo.own_presence()
        jids.append(romeo.jid)
    check_equal(jids[0], jids[1], "the resource of the same client")
    check(jids[0] != jids[2], "two clients have one resource")


@scenario(differs=PROSODY)
def scenario_an_earlier_session_of_the_same_client_ends(stage):
    """XEP-0386 §3.2: who comes again takes the place of his lost self."""
    first = _online(stage, name="first")
    sasl2.plain(first, sasl2.user_agent() + sasl2.bind())
    second = _online(stage, name="second")
    sasl2.plain(second, sasl2.user_agent() + sasl2.bind())
    check_equal(second.jid, first.jid, "the resource")
    first.stream_error("conflict")
    second.ping()


@scenario(differs=PROSODY)
def scenario_an_earlier_session_ends_whatever_its_tag(stage):
    """XEP-0386 §3.2: the user agent's id says who it is, the tag does not; others stay."""
    first, other, silent = (_online(stage, name=n) for n in ("first", "other", "silent"))
    sasl2.plain(first, sasl2.user_agent() + sasl2.bind(tag="old"))
    sasl2.plain(other, sasl2.user_agent(sasl2.OTHER_AGENT) + sasl2.bind())
    sasl2.plain(silent, sasl2.bind())
    second = _online(stage, name="second")
    sasl2.plain(second, sasl2.user_agent() + sasl2.bind(tag="new"))
    check(second.jid != first.jid, "each tag has its resource")
    first.stream_error("conflict")
    for client in (other, silent, second):
        client.ping()


def _metadata(element):
    found = element.find(f"{{{sasl2.BIND2}}}bound/{{{MAM}}}metadata")
    check(found is not None, "<metadata/> in <bound/>")
    return [(e.tag.partition("}")[2], e.get("id"), e.get("timestamp")) for e in found]


@scenario(differs=PROSODY)
def scenario_the_state_of_the_archive_in_bound(stage):
    """XEP-0386 §3.2, XEP-0313 §5: where the archive begins and ends as the session is bound."""
    romeo, juliet = _online(stage), _online(stage, "juliet")
    check_equal(_metadata(sasl2.plain(juliet, sasl2.bind())), [], "of an empty archive")
    sasl2.plain(romeo, sasl2.bind())
    ids = []
    for n in range(3):
        romeo.send(f"<message to='{juliet.jid}' type='chat' id='m{n}'><body>{n}</body></message>")
        ids.append(juliet.receive().find("{urn:xmpp:sid:0}stanza-id").get("id"))
    again = _online(stage, "juliet", name="again")
    (start, first, since), (end, last, until) = _metadata(sasl2.plain(again, sasl2.bind()))
    check_equal((start, end, first, last), ("start", "end", ids[0], ids[2]), "the ends")
    check(since <= until, f"{since} is after {until}")


@scenario(differs=PROSODY)
def scenario_offline_messages_stay_in_the_archive(stage):
    """XEP-0386 §3.2: what the archive has is not sent, nor kept for the next client."""
    romeo, juliet = _online(stage), _online(stage, "juliet")
    sasl2.plain(romeo, sasl2.bind())
    for n in range(60):
        romeo.send(f"<message to='{stage.bare('juliet')}' type='chat' id='m{n}'>"
                   f"<body>{n}</body></message>")
    romeo.ping()
    sender = _online(stage, "juliet", name="sender")
    sasl2.plain(sender, sasl2.bind())
    sender.disconnect()  # one that does not come for messages takes none away
    element = sasl2.plain(juliet, sasl2.bind())
    check_equal(len(_metadata(element)), 2, "the archive has them")
    juliet.write("<presence/>")
    juliet.own_presence()
    romeo.send(f"<message to='{stage.bare('juliet')}' type='chat' id='live'><body>x</body></message>")
    check_equal(juliet.receive().get("id"), "live", "the first message")
    juliet.disconnect()
    old = stage.client("juliet", "old").online()
    check_equal([e.get("id") for e in old.inbox], [], "what is left")


@scenario(differs=PROSODY)
def scenario_offline_messages_that_no_archive_has(stage):
    """They come with the presence of a client that binds inline as they come to others."""
    romeo, juliet = _online(stage), _online(stage, "juliet")
    sasl2.plain(romeo, sasl2.bind())
    sasl2.plain(juliet, sasl2.bind())
    check_equal(juliet.iq("set", f"<prefs xmlns='{MAM}' default='never'><always/><never/></prefs>")
                .get("type"), "result", "the preferences")
    juliet.disconnect()
    for n in range(2):
        romeo.send(f"<message to='{stage.bare('juliet')}' type='chat' id='m{n}'>"
                   f"<body>{n}</body></message>")
    romeo.ping()
    again = _online(stage, "juliet", name="again")
    check_equal(_metadata(sasl2.plain(again, sasl2.bind())), [], "the archive is empty")
    again.write("<presence/>")
    again.own_presence()
    check_equal([again.receive().get("id") for _ in range(2)], ["m0", "m1"], "the messages")


@scenario(differs=PROSODY)
def scenario_messages_reach_a_session_bound_inline(stage):
    """Between two full JIDs that were bound so."""
    romeo, juliet = _online(stage), _online(stage, "juliet")
    sasl2.plain(romeo, sasl2.bind())
    sasl2.plain(juliet, sasl2.bind())
    romeo.send(f"<message to='{juliet.jid}' type='chat' id='m'><body>Hi</body></message>")
    message = juliet.receive()
    check_equal((message.get("id"), message.get("from")), ("m", romeo.jid), "the message")


@scenario(differs=PROSODY)
def scenario_stream_management_inline(stage):
    """XEP-0386 §3.2, XEP-0388 §2.6.1: enabled inside <bound/>, resumed inside <success/>."""
    romeo, juliet = _online(stage), _online(stage, "juliet")
    sasl2.plain(juliet, sasl2.bind())
    element = sasl2.plain(romeo, sasl2.bind(f"<enable xmlns='{sasl2.SM}' resume='true'/>"))
    enabled = element.find(f"{{{sasl2.BIND2}}}bound/{{{sasl2.SM}}}enabled")
    check(enabled is not None and enabled.get("resume") == "true", "<enabled/>")
    check(not romeo.offers(sasl2.SM, "sm"), "what is on is offered")
    check(juliet.offers(sasl2.SM, "sm"), "who did not ask for it may still switch it on")
    jid = romeo.jid
    romeo.ping()
    romeo.close()  # cut, not ended
    juliet.send(f"<message to='{jid}' type='chat' id='missed'><body>x</body></message>")
    juliet.ping()
    again = _online(stage, name="again")
    element = sasl2.plain(again, f"<resume xmlns='{sasl2.SM}' previd='{enabled.get('id')}' h='1'/>"
                          + sasl2.bind())
    resumed = element.find(f"{{{sasl2.SM}}}resumed")
    check(resumed is not None and resumed.get("h") == "1", "<resumed/>")
    check(not again.offers(sasl2.SM, "sm"), "what is on is offered")
    check(element.find(f"{{{sasl2.BIND2}}}bound") is None, "<bind/> is ignored")
    check_equal(again.jid, jid, "the session")
    check_equal(again.receive().get("id"), "missed", "the message")


@scenario(differs=PROSODY)
def scenario_what_cannot_be_resumed_is_bound(stage):
    """XEP-0386 §3.2: <failed/> and <bound/> in one <success/>; somebody else's session too."""
    owner = _online(stage, "juliet")
    element = sasl2.plain(owner, sasl2.bind(f"<enable xmlns='{sasl2.SM}' resume='true'/>"))
    theirs = element.find(f"{{{sasl2.BIND2}}}bound/{{{sasl2.SM}}}enabled").get("id")
    for previd in ("never-heard-of", theirs):
        romeo = _online(stage)
        element = sasl2.plain(romeo, f"<resume xmlns='{sasl2.SM}' previd='{previd}' h='0'/>"
                              + sasl2.bind())
        check(element.find(f"{{{sasl2.SM}}}failed") is not None, "<failed/>")
        check(element.find(f"{{{sasl2.BIND2}}}bound") is not None, "<bound/>")
        check(romeo.jid.startswith(stage.bare("romeo") + "/"), romeo.jid)
        romeo.ping()
    owner.ping()


@scenario(differs=PROSODY)
def scenario_carbons_inline(stage):
    """XEP-0386 §3.2, XEP-0280: carbons are on from the first moment."""
    romeo, juliet = _online(stage), _online(stage, "juliet")
    sasl2.plain(juliet, sasl2.bind())
    juliet.write("<presence/>")
    juliet.own_presence()
    sasl2.plain(romeo, sasl2.bind("<enable xmlns='urn:xmpp:carbons:2'/>"))
    other = stage.client("romeo", "other")
    other.login()
    other.send(f"<message to='{juliet.jid}' type='chat'><body>Hi</body></message>")
    copy = romeo.receive()
    check(copy.find("{urn:xmpp:carbons:2}sent") is not None, "the copy")


@scenario(differs=PROSODY)
def scenario_client_state_inline(stage):
    """XEP-0386 §3.2, XEP-0352: a session that begins inactive."""
    romeo, juliet = _online(stage), _online(stage, "juliet")
    sasl2.plain(juliet, sasl2.bind())
    sasl2.plain(romeo, sasl2.bind("<inactive xmlns='urn:xmpp:csi:0'/>"))
    juliet.send(f"<presence to='{romeo.jid}'/>")
    juliet.ping()
    try:
        romeo.receive(0.5)
        raise Failure("presence came to an inactive client")
    except Timeout:
        pass
    romeo.write("<active xmlns='urn:xmpp:csi:0'/>")
    check_equal(romeo.receive().get("from"), juliet.jid, "the presence that waited")


@scenario(differs=PROSODY)
def scenario_scram_and_the_hash_of_the_offer(stage):
    """XEP-0474 §5: h is the hash of what was offered, in either profile."""
    for profile in ("sasl2", "sasl"):
        romeo = _online(stage)
        offered = sasl2.mechanisms(romeo) if profile == "sasl2" else romeo.mechanisms()
        types = [e.get("type") for e in romeo.features.find(f"{{{sasl2.CB}}}sasl-channel-binding")]
        text = "\x1e".join(sorted(offered)) + "\x1f" + "\x1e".join(sorted(types))
        expected = encode(hashlib.sha256(text.encode()).digest())
        if profile == "sasl2":
            challenge, exchange = sasl2.scram(romeo, mechanism="SCRAM-SHA-256")
            data = sasl2.success(romeo).find(f"{{{sasl2.SASL2}}}additional-data").text
            exchange.verify(base64.b64decode(data).decode())
        else:
            exchange = Scram("SCRAM-SHA-256", romeo.account.user, romeo.account.password)
            romeo.sasl_auth("SCRAM-SHA-256", encode(exchange.first()))
            challenge = romeo.sasl_answer("challenge")
        fields = dict(part.split("=", 1) for part in challenge.split(","))
        check_equal(fields.get("h"), expected, f"h of {profile}")


@scenario(differs=PROSODY)
def scenario_failures(stage):
    """XEP-0388 §2.6.2: with the conditions of RFC 6120 §6.5, and one may try again."""
    romeo = _online(stage)
    user = romeo.account.user
    for text, condition in (
            (sasl2.authenticate_text("PLAIN", f"\0{user}\0wrong", sasl2.bind()), "not-authorized"),
            (sasl2.authenticate_text("PLAIN", f"\0{user}-nobody\0wrong"), "not-authorized"),
            (sasl2.authenticate_text("DIGEST-MD5", ""), "invalid-mechanism"),
            (sasl2.authenticate_text("PLAIN", "x", "<user-agent id='no uuid'/>"),
             "malformed-request")):
        romeo.write(text)
        _refused(romeo, condition)
    sasl2.plain(romeo, sasl2.bind())
    romeo.ping()
    guesser = _online(stage, name="guesser")
    for _ in range(5):
        guesser.write(sasl2.authenticate_text("PLAIN", "\0nobody-at-all\0wrong"))
        _refused(guesser, "not-authorized")
    guesser.stream_error("policy-violation")


@scenario(differs=PROSODY)
def scenario_other_traffic_ends_the_stream(stage):
    """XEP-0388 §2.4, §5.8: nothing else during the exchange, and nothing of it afterwards."""
    first = sasl2.authenticate_text("SCRAM-SHA-1", "n,,n=romeo,r=abc")
    for text, condition in (
            (first, "policy-violation"),
            ("<message xmlns='jabber:client'/>", "policy-violation"),
            (f"<next xmlns='{sasl2.SASL2}' task='UPGR-SCRAM-SHA-256'/>", "policy-violation")):
        romeo = _online(stage)
        romeo.write(first)
        sasl2.take(romeo, "challenge")
        romeo.write(text)
        romeo.stream_error(condition)
    again = _online(stage)
    sasl2.plain(again)
    again.write(sasl2.authenticate_text("PLAIN", "\0a\0b"))
    again.stream_error("unsupported-stanza-type")


@scenario(differs=PROSODY)
def scenario_login_in_one_round_trip(stage):
    """XEP-0388 §2.1: an offer that is known from the last time need not be waited for."""
    romeo = stage.client("romeo")
    romeo.connect_tcp(direct_tls=True)
    romeo.reset()
    account = romeo.account
    romeo.write(f"<stream:stream to='{romeo.host}' version='1.0' xmlns='{CLIENT}' "
                "xmlns:stream='http://etherx.jabber.org/streams'>"
                + sasl2.authenticate_text("PLAIN", f"\0{account.user}\0{account.password}",
                                          sasl2.bind()))
    romeo.features = romeo.element()
    sasl2.success(romeo)
    check(romeo.jid, "bound in one go")
    romeo.ping()


@scenario(fresh=True, differs=PROSODY)
def scenario_upgrade(stage):
    """XEP-0480 §3: an account that has keys for one hash only gets others at its login."""
    host = stage.server.host
    salt, rounds = b"0123456789abcdef", 10_000
    salted = hashlib.pbkdf2_hmac("sha1", b"secret", salt, rounds)
    stored = hashlib.sha1(hmac.digest(salted, b"Client Key", "sha1")).digest()
    server = hmac.digest(salted, b"Server Key", "sha1")
    table = stage.server.folder / "old.tsv"
    table.write_text(f"old@{host}\t{{SCRAM-SHA-1}}{rounds}:{encode(salt)}:{encode(stored)}:"
                     f"{encode(server)}\n")
    stage.server.control("user", "import", str(table))
    old = stage.client("romeo", name="old")
    old.account = type(old.account)("old", "old", host, "secret")
    sasl2.open_tls(old)
    check_equal([m for m in sasl2.mechanisms(old) if m.startswith("SCRAM-SHA-256")], [],
                "a hash for which an account has no keys is not offered")
    tasks = [e.text for e in sasl2.offer(old).findall(f"{{{sasl2.UPGRADE}}}upgrade")]
    check_equal(sorted(tasks), ["UPGR-SCRAM-SHA-256", "UPGR-SCRAM-SHA-512"], "the tasks")
    wanted = "".join(f"<upgrade xmlns='{sasl2.UPGRADE}'>{t}</upgrade>" for t in sorted(tasks))
    _, exchange = sasl2.scram(old, wanted + sasl2.bind())
    for task in sorted(tasks):
        asked = sasl2.take(old, "continue")
        check_equal([e.text for e in asked.iter(f"{{{sasl2.SASL2}}}task")], [task], "the task")
        if task.endswith("256"):
            data = asked.find(f"{{{sasl2.SASL2}}}additional-data").text
            exchange.verify(base64.b64decode(data).decode())
        old.write(f"<next xmlns='{sasl2.SASL2}' task='{task}'/>")
        salt = sasl2.take(old, "task-data").find(f"{{{sasl2.SCRAM_UPGRADE}}}salt")
        digest = hashlib.pbkdf2_hmac("sha" + task[-3:], b"secret", base64.b64decode(salt.text),
                                     int(salt.get("iterations")))
        old.write(f"<task-data xmlns='{sasl2.SASL2}'><hash xmlns='{sasl2.SCRAM_UPGRADE}'>"
                  f"{encode(digest)}</hash></task-data>")
    sasl2.success(old)
    check(old.jid, "bound after the tasks")
    again = stage.client("romeo", name="again")
    again.account = old.account
    sasl2.open_tls(again)
    check("SCRAM-SHA-256" in sasl2.mechanisms(again), "the hash is offered now")
    check(not sasl2.offer(again).findall(f"{{{sasl2.UPGRADE}}}upgrade"), "nothing is left to do")
    sasl2.scram(again, sasl2.bind(), mechanism="SCRAM-SHA-256")
    sasl2.success(again)
