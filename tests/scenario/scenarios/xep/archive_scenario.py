"""XEP-0313: paging, and what outlives a stop, a kill and the time to keep."""

import time

from harness.errors import check, check_equal
from harness.stage import scenario
from harness.xmltree import CLIENT

MAM = "urn:xmpp:mam:2"
RSM = "http://jabber.org/protocol/rsm"
NO_ARCHIVE = {"prosody": "keeps no archive unless it is told to"}


def query(client, rsm="", form="", flip=""):
    """([(id, body)], <fin/>) of one question; messages that come meanwhile are passed over."""
    if form:
        form = ("<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE' type='hidden'>"
                f"<value>{MAM}</value></field>{form}</x>")
    client.send(f"<iq type='set' id='q'><query xmlns='{MAM}'>{form}<set xmlns='{RSM}'>{rsm}</set>"
                f"{flip}</query></iq>")
    rows = []
    while True:
        stanza = client.receive()
        if stanza.tag == f"{{{CLIENT}}}iq":
            check_equal(stanza.get("type"), "result", "the answer")
            return rows, stanza[0]
        result = stanza.find(f"{{{MAM}}}result")
        if result is None:
            continue
        body = result.find(f".//{{{CLIENT}}}body")
        rows.append((result.get("id"), None if body is None else body.text))


def say(client, to, first, last):
    for n in range(first, last + 1):
        client.send(f"<message to='{to}' type='chat' id='m{n}'><body>{n}</body></message>")


def numbers(first, last):
    return [str(n) for n in range(first, last + 1)]


def bodies(rows):
    return [body for _, body in rows]


@scenario(differs=NO_ARCHIVE)
def scenario_paging(stage):
    """XEP-0313 §4.3, XEP-0059: pages in both directions make the whole, in order."""
    romeo, juliet = stage.client("romeo"), stage.client("juliet").online()
    romeo.login()
    say(romeo, juliet.jid, 1, 130)
    ids = []
    for _ in range(130):
        stanza = juliet.receive()
        ids.append(stanza.find("{urn:xmpp:sid:0}stanza-id").get("id"))
    forwards, after, fin = [], "", None
    while fin is None or fin.get("complete") != "true":
        rows, fin = query(juliet, f"<max>40</max>{after}")
        check(rows, "a page that is not the last is empty")
        last = fin.findtext(f"{{{RSM}}}set/{{{RSM}}}last")
        check_equal(last, rows[-1][0], "<last/>")
        after = f"<after>{last}</after>"
        forwards += rows
    check_equal(bodies(forwards), numbers(1, 130), "the messages")
    check_equal([row for row, _ in forwards], ids, "rows and stanza-ids")
    backwards, before, fin = [], "<before/>", None
    while fin is None or fin.get("complete") != "true":
        rows, fin = query(juliet, f"<max>40</max>{before}")
        before = f"<before>{fin.findtext(f'{{{RSM}}}set/{{{RSM}}}first')}</before>"
        backwards = rows + backwards
    check_equal(backwards, forwards, "the pages from the end")
    rows, fin = query(juliet)
    check_equal(bodies(rows), numbers(1, 50), "a page of the server's choice")
    check_equal(fin.findtext(f"{{{RSM}}}set/{{{RSM}}}count"), "130", "<count/>")
    rows, fin = query(juliet, "<max>0</max>")
    check_equal((rows, fin.findtext(f"{{{RSM}}}set/{{{RSM}}}count")), ([], "130"), "counting")
    rows, _ = query(juliet, "<max>3</max><before/>", flip="<flip-page/>")
    check_equal(bodies(rows), ["130", "129", "128"], "a flipped page")
    rows, _ = query(juliet, form="".join(f"<field var='{name}'><value>{value}</value></field>"
                                         for name, value in (("after-id", ids[9]),
                                                             ("before-id", ids[13]))))
    check_equal(bodies(rows), numbers(11, 13), "what lies between two ids")
    rows, _ = query(juliet, form=f"<field var='ids'><value>{ids[5]}</value></field>")
    check_equal(bodies(rows), ["6"], "one message")
    check_equal(bodies(query(romeo, "<max>250</max>")[0]), numbers(1, 130), "the sender's side")


@scenario(fresh=True, differs=NO_ARCHIVE)
def scenario_restart(stage):
    """What was sent before a stop is in both archives after the start, with the preferences."""
    romeo, juliet = stage.client("romeo"), stage.client("juliet").online()
    romeo.login()
    say(romeo, juliet.jid, 1, 20)
    for _ in range(20):
        juliet.receive()
    before = [query(juliet)[0], query(romeo)[0]]
    check_equal([len(rows) for rows in before], [20, 20], "the rows")
    juliet.iq("set", f"<prefs xmlns='{MAM}' default='never'/>")
    stage.restart()
    romeo, juliet = stage.client("romeo"), stage.client("juliet")
    romeo.login()
    juliet.login()
    check_equal([query(juliet)[0], query(romeo)[0]], before, "the rows afterwards")
    prefs = juliet.iq("get", f"<prefs xmlns='{MAM}'/>")
    check_equal(prefs[0].get("default"), "never", "the preferences")


@scenario(fresh=True, differs=NO_ARCHIVE)
def scenario_kill(stage):
    """An id that somebody has seen in an archive is there after kill -9."""
    romeo, juliet = stage.client("romeo"), stage.client("juliet").online()
    romeo.login()
    say(romeo, juliet.jid, 1, 200)
    seen, _ = query(romeo, "<max>250</max>")
    received, _ = query(juliet, "<max>250</max>")
    stage.kill()
    stage.start()
    romeo, juliet = stage.client("romeo"), stage.client("juliet")
    romeo.login()
    juliet.login()
    check_equal(query(romeo, "<max>250</max>")[0][:len(seen)], seen, "the sender's rows")
    check_equal(query(juliet, "<max>250</max>")[0][:len(received)], received, "the recipient's")
    check_equal(len(seen), 200, "what the sender's archive had before")


@scenario(config="[modules.archive]\nkeep = \"3s\"\nerase_every = \"1s\"", differs=NO_ARCHIVE)
def scenario_retention(stage):
    """XEP-0313 §3.2: what is too old goes, and its id stays a place."""
    romeo = stage.client("romeo").online()
    say(romeo, stage.bare("juliet"), 1, 2)
    rows, _ = query(romeo)
    check_equal(bodies(rows), ["1", "2"], "what was just sent")
    deadline = time.monotonic() + 15
    while query(romeo)[0] and time.monotonic() < deadline:
        time.sleep(0.2)
    say(romeo, stage.bare("juliet"), 3, 3)
    check_equal(bodies(query(romeo)[0]), ["3"], "what is left")
    check_equal(bodies(query(romeo, f"<after>{rows[1][0]}</after>")[0]), ["3"], "behind the old")


@scenario(differs=NO_ARCHIVE)
def scenario_a_copy_names_the_archives_row(stage):
    """XEP-0280, XEP-0359: the copy of what another client sent carries the id that the archive has."""
    phone, desk = stage.client("romeo", "phone").online(), stage.client("romeo", "desk").online()
    desk.iq("set", "<enable xmlns='urn:xmpp:carbons:2'/>")
    phone.send(f"<message to='{stage.bare('juliet')}' type='chat' id='m'><body>x</body></message>")
    copy = desk._take_first(lambda e: e.tag == f"{{{CLIENT}}}message", "the copy")
    inside = copy.find(f".//{{{CLIENT}}}message")
    given = [e.get("id") for e in inside.findall("{urn:xmpp:sid:0}stanza-id")]
    rows, _ = query(desk)
    check_equal(given, [identity for identity, _ in rows], "the ids")
