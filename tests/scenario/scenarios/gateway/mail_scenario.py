"""[gateway.mail]: a person chats, another one writes mails."""

import socket
import subprocess
import time
from pathlib import Path

from harness.errors import check, check_equal
from harness.mail import (Sink, add_contact, escaped, message, send, start_gateway, talk, text,
                          wait_for_port)
from harness.stage import scenario
from harness.xmltree import CLIENT, split

ONLY_OURS = {"prosody": "has no gateway to mail"}
JULIET = "juliet@capulet.example"
REPLY = "{urn:xmpp:reply:0}reply"


def _condition(stanza):
    check_equal(stanza.get("type"), "error", "the type")
    return [split(e.tag)[1] for e in stanza.find(f"{{{CLIENT}}}error")][0]


def _answer(user, mail, body="Good morrow!", sender=JULIET, extra=""):
    return (f"From: Juliet <{sender}>\r\nTo: {user}\r\nSubject: Re: {mail['Subject']}\r\n"
            f"Message-ID: <answer-{time.monotonic_ns()}@capulet.example>\r\n"
            f"In-Reply-To: {mail['Message-ID']}\r\nReferences: {mail['Message-ID']}\r\n{extra}"
            f"Content-Type: text/plain; charset=utf-8\r\n\r\n{body}\r\n")


def _connected(port):
    connection = socket.create_connection(("127.0.0.1", port), timeout=10)
    check(connection.recv(100).startswith(b"220 "), "the greeting")
    return connection


@scenario(users="romeo", fresh=True, differs=ONLY_OURS)
def scenario_both_ways(stage):
    """A message becomes a mail, its answer a message in the same thread (XEP-0106, 0201, 0461)."""
    sink, port = start_gateway(stage)
    romeo = stage.client("romeo").online(interested=True)
    jid = add_contact(romeo, JULIET)
    romeo.send(f"<message to='{jid}' type='chat' id='first'><subject>The balcony</subject>"
               "<body>But soft!\nWhat light — through yonder window breaks? 🌅\n.\n..</body>"
               "<thread>t1</thread></message>")
    sender, recipients, mail, _ = sink.mail()
    user = stage.bare("romeo")
    check_equal((sender, recipients), (user, [JULIET]), "the envelope")
    check_equal((mail["From"], mail["To"], mail["Subject"]), (user, JULIET, "The balcony"),
                "the header")
    check_equal(mail.get_content().rstrip("\n"),
                "But soft!\nWhat light — through yonder window breaks? 🌅\n.\n..", "the text")
    check(mail["Date"] and mail["Message-ID"], "date and id")
    check_equal(send(port, _answer(user, mail), JULIET, [user]), {}, "what was refused")
    answer = message(romeo)
    check_equal((answer.get("from"), answer.get("type"), text(answer), text(answer, "thread")),
                (jid, "chat", "Good morrow!", "t1"), "the answer")
    check_equal(text(answer, "subject"), "Re: The balcony", "its subject")
    check_equal(answer.find(REPLY).get("id"), "first", "what it answers")
    # And on: what has no thread goes on with the last one.
    romeo.send(f"<message to='{jid}' type='chat' id='2'><body>It is the east</body></message>")
    _, _, second, _ = sink.mail()
    check_equal(second["Subject"], "Re: The balcony", "the subject of the next")
    check(mail["Message-ID"] in second["References"], "the references")
    check("answer-" in second["In-Reply-To"], "what it answers")


@scenario(users="romeo", fresh=True, differs=ONLY_OURS)
def scenario_lmtp_and_html(stage):
    """LMTP, HTML, other charsets, attachments, quotations, signatures."""
    _, port = start_gateway(stage)
    romeo = stage.client("romeo").online(interested=True)
    add_contact(romeo, JULIET)
    user = stage.bare("romeo")
    mail = (f"From: {JULIET}\r\nTo: {user}\r\nSubject: =?iso-8859-1?Q?Sch=F6n?=\r\n"
            "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
            "--b\r\nContent-Type: text/html; charset=iso-8859-1\r\n"
            "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
            "<style>p {{}}</style><p>Gr=FC=DFe &amp; <b>more</b></p><ul><li>one<li>two</ul>\r\n"
            "<blockquote>a<br>b<br>c<br>d<br>e</blockquote>\r\n"
            "--b\r\nContent-Type: image/png; name=a.png\r\nContent-Disposition: attachment\r\n"
            "Content-Transfer-Encoding: base64\r\n\r\niVBORw0KGgo=\r\n--b--\r\n")
    refused = send(port, mail, JULIET, [user, "nobody-at-all@localhost"], lmtp=True)
    check_equal(list(refused), ["nobody-at-all@localhost"], "who was refused")
    check_equal(refused["nobody-at-all@localhost"][0], 550, "and how")
    got = message(romeo)
    check_equal(text(got), "Schön\n\nGrüße & more\n\n- one\n- two\n"
                "[Attachment, not taken: a.png, image/png, 8 bytes]", "the text")


@scenario(users="romeo", fresh=True, differs=ONLY_OURS)
def scenario_attachments_are_saved(stage):
    """`attachments = "save"`: in a folder for the gateway's user alone, under a name that is one."""
    folder = stage.folder / "attachments"
    _, port = start_gateway(stage, attachments="save", attachments_folder=str(folder))
    romeo = stage.client("romeo").online(interested=True)
    add_contact(romeo, JULIET)
    user = stage.bare("romeo")
    mail = (f"From: {JULIET}\r\nTo: {user}\r\nMIME-Version: 1.0\r\n"
            "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nLook\r\n"
            "--b\r\nContent-Type: image/png; name=\"../../a b.png\"\r\n"
            "Content-Disposition: attachment\r\n"
            "Content-Transfer-Encoding: base64\r\n\r\niVBORw0KGgo=\r\n--b--\r\n")
    check_equal(send(port, mail, JULIET, [user]), {}, "the mail")
    files = list(folder.iterdir())
    check_equal([f.read_bytes() for f in files], [b"\x89PNG\r\n\x1a\n"], "what was saved")
    check_equal((folder.stat().st_mode & 0o777, files[0].stat().st_mode & 0o777), (0o700, 0o600),
                "who may read it")
    check(files[0].name.endswith("-.._.._a_b.png"), files[0].name)
    check_equal(text(message(romeo)), f"Look\n[Attachment, saved as {files[0].name}: "
                "../../a b.png, image/png, 8 bytes]", "the text")


@scenario(users="romeo mercutio", fresh=True, differs=ONLY_OURS)
def scenario_who_may_write(stage):
    """Contacts only, both ways, unless the configuration says otherwise; a reload changes it."""
    sink, port = start_gateway(stage)
    romeo = stage.client("romeo").online(interested=True)
    user = stage.bare("romeo")
    romeo.send(f"<message to='{escaped(JULIET)}' type='chat' id='1'><body>Hi</body></message>")
    check_equal(_condition(message(romeo)), "subscription-required", "to a stranger")
    add_contact(romeo, "nurse@capulet.example")
    mail = f"From: {JULIET}\r\nTo: {user}\r\n\r\nHi\r\n"
    check_equal(send(port, mail, JULIET, [user])[user][0], 550, "from a stranger")
    check_equal(send(port, mail, JULIET, [stage.bare("mercutio")])[stage.bare("mercutio")][0], 550,
                "to somebody without contacts")
    check_equal(send(port, mail, JULIET, ["x@montague.example"])["x@montague.example"][0], 550,
                "to elsewhere")
    for to, condition in (("mail.localhost", "not-acceptable"), ("nobody@mail.localhost",
                          "item-not-found"), ("a\\40b..c@mail.localhost", "item-not-found")):
        romeo.send(f"<message to='{to}' type='chat' id='2'><body>Hi</body></message>")
        check_equal(_condition(message(romeo)), condition, to)
    sink.nothing()
    settings = stage.settings["gateway"]["mail"]
    stage.apply({"gateway": {"mail": {**settings, "who_may_write": "anyone"}}})
    stage.control("reload")
    port = wait_for_port(stage, 1)
    check_equal(send(port, mail, JULIET, [user]), {}, "from anybody")
    check_equal(text(message(romeo)), "Hi", "the message")
    romeo.send(f"<message to='{escaped(JULIET)}' type='chat' id='3'><body>Hi</body></message>")
    check_equal(sink.mail()[1], [JULIET], "the recipients")
    ghost = "ghost-of-nobody@localhost"
    check_equal(send(port, mail, JULIET, [ghost])[ghost][0], 550, "to nobody")


@scenario(users="romeo", fresh=True, differs=ONLY_OURS)
def scenario_header_injection(stage):
    """Nothing of a subject, a thread or an address becomes a header or a command."""
    sink, _ = start_gateway(stage, who_may_write="users")
    romeo = stage.client("romeo").online()
    for subject in ("Hi&#xd;&#xa;Bcc: evil@example.org", "Hi&#xa;&#xa;Body", "Hi&#xd;X: y"):
        romeo.send(f"<message to='{escaped(JULIET)}' type='chat' id='a&#xa;b'>"
                   f"<subject>{subject}</subject><thread>t&#xd;&#xa;X: 1</thread>"
                   "<body>one&#xd;&#xa;.&#xd;&#xa;QUIT&#xd;.&#xa;.&#xa;two</body></message>")
        sender, recipients, mail, data = sink.mail()
        check_equal((sender, recipients), (stage.bare("romeo"), [JULIET]), "the envelope")
        fields = {field.lower() for field in mail.keys()} - {"in-reply-to", "references"}
        check_equal(sorted(fields), ["content-transfer-encoding", "content-type", "date", "from",
                                     "message-id", "mime-version", "subject", "to"], "the fields")
        check(b"\r\nBcc" not in data and b"\r\nX:" not in data, f"injected: {data!r}")
        check_equal(mail.get_content().rstrip("\n"), "one\n.\nQUIT.\n.\ntwo", "the text")
    for local in ("a\\40b\\3e\\20rcpt", "a\\20\\3cx\\40y\\3e\\40b", "\\22a\\22x\\40b"):
        romeo.send(f"<message to='{local}@mail.localhost' type='chat' id='1'><body>x</body></message>")
        check_equal(_condition(message(romeo)), "item-not-found", local)
    sink.nothing()


@scenario(users="romeo", fresh=True, differs=ONLY_OURS)
def scenario_refused_and_reported(stage):
    """A mail that is refused is an error at once, one that bounces later; by the code of the reply."""
    sink, port = start_gateway(stage, who_may_write="users", retry_for=0)
    romeo = stage.client("romeo").online()
    for number, (reply, condition) in enumerate((
            ("550 5.1.1 No such user", "item-not-found"), ("552 5.2.2 Full", "resource-constraint"),
            ("550 5.7.1 Spam", "forbidden"), ("451 4.3.0 Not now", "remote-server-timeout"))):
        address = f"nobody{number}@capulet.example"
        sink.refuse[address] = reply
        romeo.send(f"<message to='{escaped(address)}' type='chat' id='m{number}'>"
                   "<body>Hi</body></message>")
        error = message(romeo)
        check_equal((error.get("id"), error.get("from")), (f"m{number}", escaped(address)), reply)
        check_equal(_condition(error), condition, reply)
    romeo.send(f"<message to='{escaped(JULIET)}' type='chat' id='later'><body>Hi</body></message>")
    mail_id = sink.mail()[2]["Message-ID"]
    user = stage.bare("romeo")
    for about, heard in (("<forged@localhost>", False), (mail_id, True)):
        bounce = ("From: mailer-daemon@capulet.example\r\nSubject: Undelivered\r\n"
                  f"To: {user}\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"
                  "Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n"
                  "--b\r\n\r\nSorry.\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n"
                  "Reporting-MTA: dns; capulet.example\r\n\r\n"
                  f"Final-Recipient: rfc822; {JULIET}\r\nAction: failed\r\nStatus: 5.1.1\r\n"
                  "Diagnostic-Code: smtp; 550 Unknown\r\n\r\n"
                  "--b\r\nContent-Type: text/rfc822-headers\r\n\r\n"
                  f"Message-ID: {about}\r\nSubject: x\r\n\r\n--b--\r\n")
        check_equal(send(port, bounce, "", [user]), {}, "the report")
        if heard:
            error = message(romeo)
            check_equal((error.get("id"), error.get("from")), ("later", escaped(JULIET)), "the error")
            check_equal(_condition(error), "item-not-found", "its condition")
        else:
            romeo.ping()


@scenario(users="romeo", fresh=True, differs=ONLY_OURS)
def scenario_submission_server_is_down(stage):
    """A message is kept and tried again, also over a restart; when `retry_for` is over it comes back."""
    sink, _ = start_gateway(stage, who_may_write="users")
    port = sink.port
    sink.close()
    romeo = stage.client("romeo").online()
    romeo.send(f"<message to='{escaped(JULIET)}' type='chat' id='1'><body>Kept</body></message>")
    deadline = time.monotonic() + 10
    while "mail waits" not in stage.log_text() and time.monotonic() < deadline:
        time.sleep(0.02)
    romeo.ping()
    check_equal([e.get("id") for e in romeo.inbox if e.get("type") == "error"], [], "errors")
    earlier = stage.log_text().count("gateway connected")
    stage.kill()
    sink = Sink(stage, port)
    stage.start()
    wait_for_port(stage, earlier)
    check_equal(sink.mail()[2].get_content().strip(), "Kept", "when it is there again")
    sink.close()
    settings = stage.settings["gateway"]["mail"]
    stage.apply({"gateway": {"mail": {**settings, "retry_for": 0}}})
    stage.control("reload")
    wait_for_port(stage, earlier + 1)
    romeo = stage.client("romeo").online()
    romeo.send(f"<message to='{escaped(JULIET)}' type='chat' id='2'><body>Back</body></message>")
    error = message(romeo)
    check_equal((error.get("id"), _condition(error)), ("2", "remote-server-timeout"), "the error")
    check("mail submission fails" in stage.log_text(), "the log does not say it")


@scenario(users="romeo", fresh=True, differs=ONLY_OURS)
def scenario_loops(stage):
    """RFC 3834, RFC 5321 §6.3: machines and lists are refused, and so is what went out here."""
    sink, port = start_gateway(stage)
    romeo = stage.client("romeo").online()
    jid = add_contact(romeo, JULIET)
    user = stage.bare("romeo")
    romeo.send(f"<message to='{jid}' type='chat' id='1'><body>Hi</body></message>")
    _, _, mail, data = sink.mail()
    for extra in ("Auto-Submitted: auto-replied\r\n", "Precedence: bulk\r\n", "List-Id: <a.b>\r\n",
                  "Received: by x\r\n" * 31):
        refused = send(port, _answer(user, mail, extra=extra), JULIET, [user])
        check(refused[user][0] in (550, 554), f"{extra}: {refused}")
    refused = send(port, data.decode(), JULIET, [user])
    check_equal(refused[user][0], 554, "our own mail")
    check_equal(send(port, _answer(user, mail, extra="Auto-Submitted: no\r\n"), JULIET, [user]), {},
                "a person's mail")
    check_equal(text(message(romeo)), "Good morrow!", "the message")
    for there in (user, "x@mail.localhost"):
        romeo.send(f"<message to='{escaped(there)}' type='chat' id='2'><body>Hi</body></message>")
        check_equal(_condition(message(romeo)), "item-not-found", there)
    refused = send(port, _answer(user, mail, sender="mercutio@localhost"), JULIET, [user])
    check_equal(refused[user][0], 550, "in the name of a user")


@scenario(users="romeo", fresh=True, differs=ONLY_OURS)
def scenario_presence(stage):
    """XEP-0100 §4: addresses are available while the gateway runs, and are found (XEP-0030)."""
    sink, _ = start_gateway(stage)
    romeo = stage.client("romeo").online(interested=True)
    jid = add_contact(romeo, JULIET)
    # A client that comes later is told by the answer to a probe.
    other = stage.client("romeo", "chamber", "romeo2").online()
    while other.receive().get("from") != jid:
        pass
    romeo.send("<presence to='no-address@mail.localhost' type='subscribe'/>")
    while (stanza := romeo.receive()).get("from") != "no-address@mail.localhost":
        pass
    check_equal(stanza.get("type"), "unsubscribed", "what is no address")
    items = romeo.iq("get", "<query xmlns='http://jabber.org/protocol/disco#items'/>", "localhost")
    check("mail.localhost" in [i.get("jid") for i in items[0]], "the server's items")
    info = romeo.iq("get", "<query xmlns='http://jabber.org/protocol/disco#info'/>",
                    "mail.localhost")
    check(("gateway", "smtp") in [(i.get("category"), i.get("type")) for i in info[0]], "identity")
    asked = romeo.iq("set", "<query xmlns='jabber:iq:gateway'><prompt>Nurse@capulet.example</prompt>"
                     "</query>", "mail.localhost")
    check_equal(asked[0][0].text, escaped("nurse@capulet.example").lower(), "the JID for an address")
    card = romeo.iq("get", "<vCard xmlns='vcard-temp'/>", jid)
    check_equal(card[0][0].text, JULIET, "the name")
    needs = romeo.iq("get", "<query xmlns='jabber:iq:register'/>", "mail.localhost")
    check("No registration is needed" in needs[0].findtext("{jabber:iq:register}instructions"),
          "registration")
    # When the gateway ends, its addresses go; they come back with it.
    earlier = stage.log_text().count("gateway connected")
    settings = stage.settings["gateway"]["mail"]
    stage.apply({})
    stage.control("reload")
    romeo.inbox.clear()
    while (stanza := romeo.receive()).get("from") != jid or stanza.get("type") != "unavailable":
        pass
    stage.apply({"gateway": {"mail": settings}})
    stage.control("reload")
    wait_for_port(stage, earlier)
    while (stanza := romeo.receive()).get("from") != jid or stanza.get("type") is not None:
        pass
    # What is no contact any more is no correspondent either.
    romeo.send(f"<presence to='{jid}' type='unsubscribe'/>")
    while romeo.receive().get("type") != "unavailable":
        pass
    romeo.send(f"<message to='{jid}' type='chat' id='1'><body>Hi</body></message>")
    check_equal(_condition(message(romeo)), "subscription-required", "after the end")


@scenario(users="romeo", fresh=True, differs=ONLY_OURS)
def scenario_limits(stage):
    """Rates, sizes, connections, time and strict lines; a mail bomb is refused and harms nobody."""
    sink, port = start_gateway(stage, who_may_write="anyone", messages_at_once=3,
                               messages_per_minute=1, mail_bytes=70_000, connections=5, timeout=5)
    romeo = stage.client("romeo").online()
    user = stage.bare("romeo")
    for number in range(4):
        romeo.send(f"<message to='{escaped(JULIET)}' type='chat' id='{number}'>"
                   "<body>Hi</body></message>")
    check_equal(_condition(message(romeo)), "resource-constraint", "one too many")
    begin = f"EHLO a\r\nMAIL FROM:<{JULIET}>\r\nRCPT TO:<{user}>\r\nDATA\r\n".encode()
    check(b"552 5.3.4" in talk(port, begin + b"x\r\n" * 40_000 + b".\r\nQUIT\r\n"), "a large mail")
    check(b"521 5.5.2" in talk(port, begin + b"x\n.\nMAIL FROM:<>\r\nQUIT\r\n"), "smuggling")
    check(b"500 5.5.2" in talk(port, begin + b"x" * 2_000), "a long line")
    bomb = "Content-Type: multipart/mixed; boundary=b\r\n\r\n" + "--b\r\n\r\n" * 5_000
    check(b"554 5.6.0" in talk(port, begin + bomb.encode() + b".\r\nQUIT\r\n"), "a bomb")
    heard = [send(port, f"From: {JULIET}\r\n\r\nHi {n}\r\n", JULIET, [user]) for n in range(4)]
    check_equal([bool(h) for h in heard], [False, False, False, True], "too many for one user")
    check_equal(heard[3][user][0], 450, "and how")
    began = time.monotonic()
    check(b"421 4.3.2" in talk(port, b"EHLO a\r\nMAIL", 15), "slow")
    check(4 < time.monotonic() - began < 10, "the time for a command")
    idle = [_connected(port) for _ in range(5)]
    check(b"421 4.3.2" in talk(port, b""), "too many connections")
    for connection in idle:
        connection.close()
    check(stage.alive(), "the server died")


@scenario(users="romeo", fresh=True, differs=ONLY_OURS)
def scenario_survives(stage):
    """Contacts, threads and mail that waits are there again after the server was killed."""
    sink, port = start_gateway(stage)
    romeo = stage.client("romeo").online()
    jid = add_contact(romeo, JULIET)
    user = stage.bare("romeo")
    romeo.send(f"<message to='{jid}' type='chat' id='1'><body>Hi</body><thread>t9</thread></message>")
    mail = sink.mail()[2]
    sink.refuse[JULIET] = "451 4.3.0 Later"
    tries = sink.tries
    romeo.send(f"<message to='{jid}' type='chat' id='2'><body>Waits</body></message>")
    while sink.tries == tries:
        time.sleep(0.02)
    time.sleep(0.2)
    earlier = stage.log_text().count("gateway connected")
    stage.kill()
    sink.refuse.clear()
    stage.start()
    port = wait_for_port(stage, earlier)
    check_equal(sink.mail()[2].get_content().strip(), "Waits", "what waited")
    romeo = stage.client("romeo").online()
    check_equal(send(port, _answer(user, mail), JULIET, [user]), {}, "the answer")
    check_equal(text(message(romeo), "thread"), "t9", "its thread")


@scenario(users="romeo", fresh=True, differs=ONLY_OURS)
def scenario_offline(stage):
    """A mail for somebody who is away waits in the server; 250 means that it is there."""
    _, port = start_gateway(stage)
    romeo = stage.client("romeo").online()
    jid = add_contact(romeo, JULIET)
    romeo.disconnect()
    user = stage.bare("romeo")
    check_equal(send(port, f"From: {JULIET}\r\nSubject: Night\r\n\r\nAdieu\r\n", JULIET, [user]), {},
                "the mail")
    romeo = stage.client("romeo").online()
    got = message(romeo)
    check_equal((got.get("from"), text(got)), (jid, "Night\n\nAdieu"), "the message")


@scenario(users="romeo juliet", fresh=True, differs=ONLY_OURS)
def scenario_partly_delivered(stage):
    """By SMTP a mail to two is taken when one gets it; its sender hears of the other by a notice."""
    sink, port = start_gateway(stage)
    romeo = stage.client("romeo").online()
    add_contact(romeo, JULIET)
    juliet = stage.client("juliet").online()
    add_contact(juliet, "nurse@capulet.example")
    both = [stage.bare("romeo"), stage.bare("juliet")]
    check_equal(send(port, f"From: {JULIET}\r\nSubject: Hi\r\n\r\nHi\r\n", JULIET, both), {}, "both")
    check_equal(text(message(romeo)), "Hi\n\nHi", "the message")
    sender, recipients, notice, _ = sink.mail()
    check_equal((sender, recipients), ("", [JULIET]), "the notice's envelope")
    check_equal(notice["Auto-Submitted"], "auto-replied", "RFC 3834")
    check_equal(notice.get_content_type(), "multipart/report", "RFC 3464")
    parts = list(notice.iter_parts())
    check(both[1] in parts[0].get_content(), "who did not get it")
    check("Status: 5.7.1" in parts[1].as_string(), parts[1].as_string())


@scenario(users="romeo", config="component = { 'mail.localhost' = { secret = 'wherefore' } }",
          differs=ONLY_OURS)
def scenario_program(stage):
    """The same gateway as a program of its own; it comes back to a server that was restarted."""
    sink = Sink(stage)
    binary = Path(stage.binary).resolve().parent / "balcony-gateway"
    config = stage.folder / "gateway.toml"
    config.write_text("[gateway.mail]\n")
    refused = subprocess.run([binary, "mail", "--config", config], capture_output=True, text=True,
                             timeout=20)
    check_equal(refused.returncode, 2, refused.stderr)
    check("gateway.toml:1:10: gateway.mail.domain must name" in refused.stderr, refused.stderr)
    config.write_text(f"server = '127.0.0.1:{stage.component_port}'\nsecret = 'wherefore'\n"
                      f"data = '{stage.folder}/gateway'\n[gateway.mail]\ndomain = 'mail.localhost'\n"
                      f"port = 0\nsubmission = 'smtp://127.0.0.1:{sink.port}'\n")
    log = stage.folder / "gateway.log"
    with log.open("wb") as out:
        program = subprocess.Popen([binary, "mail", "--config", config], stderr=out)
    try:
        port = wait_for_port(stage, 0, log.read_text)
        romeo = stage.client("romeo").online()
        jid = add_contact(romeo, JULIET)
        romeo.send(f"<message to='{jid}' type='chat' id='1'><body>Hi</body></message>")
        mail = sink.mail()[2]
        check_equal(send(port, _answer(stage.bare("romeo"), mail), JULIET, [stage.bare("romeo")]), {},
                    "the answer")
        check_equal(text(message(romeo)), "Good morrow!", "the message")
        stage.stop()
        refused = send(port, _answer(stage.bare("romeo"), mail), JULIET, [stage.bare("romeo")])
        check_equal(refused[stage.bare("romeo")][0], 451, "while the server is away")
        stage.start()
        deadline = time.monotonic() + 20
        while log.read_text().count("gateway connected") < 2 and time.monotonic() < deadline:
            time.sleep(0.05)
        romeo = stage.client("romeo").online()
        check_equal(send(port, _answer(stage.bare("romeo"), mail), JULIET, [stage.bare("romeo")]), {},
                    "when it is back")
        check_equal(text(message(romeo)), "Good morrow!", "the message")
        program.terminate()
        check_equal(program.wait(15), 0, "the exit code")
    finally:
        if program.poll() is None:
            program.kill()
            program.wait()
