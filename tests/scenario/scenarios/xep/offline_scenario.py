"""XEP-0160 with XEP-0198: a mailbox that is full goes through a stream that acknowledges."""

from harness.errors import check_equal
from harness.stage import scenario
from harness.xmltree import CLIENT

SM = "urn:xmpp:sm:3"


@scenario(config="limits = { rate = '0' }", differs={"prosody": "keeps as much as comes"})
def scenario_a_full_mailbox(stage):
    """Everything that was kept comes once and in order, and the session lives."""
    romeo = stage.client("romeo")
    romeo.login()
    count = 60
    for n in range(count):
        romeo.send(f"<message to='{stage.bare('juliet')}' type='chat' id='m{n}'>"
                   f"<body>{'x' * 30000}</body></message>")
    romeo.ping()
    juliet = stage.client("juliet")
    juliet.login()
    juliet.send(f"<enable xmlns='{SM}' resume='true'/>")
    juliet.send("<presence/>")
    got, stanzas = [], 0
    while len(got) < count:
        element = juliet.receive(20)
        if element.tag == f"{{{SM}}}r":
            juliet.send(f"<a xmlns='{SM}' h='{stanzas}'/>")
        elif element.tag.startswith(f"{{{CLIENT}}}"):
            stanzas += 1
            if element.tag == f"{{{CLIENT}}}message":
                got.append(element.get("id"))
    check_equal(got, [f"m{n}" for n in range(count)], "the messages")
    juliet.send(f"<a xmlns='{SM}' h='{stanzas}'/>")
    juliet.ignored.append(lambda e: e.tag.startswith(f"{{{SM}}}"))
    juliet.ping()
    later = stage.client("juliet", "later").online()
    check_equal([e.get("id") for e in later.inbox if e.tag == f"{{{CLIENT}}}message"], [], "the rest")
