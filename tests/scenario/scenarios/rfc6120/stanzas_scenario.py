"""Order, chunks and preparation of addresses."""

from harness.errors import check, check_equal
from harness.stage import scenario
from harness.xmltree import CLIENT

BODY = f"{{{CLIENT}}}body"


def _numbered(client, count):
    return [client.receive().findtext(BODY) for _ in range(count)]


@scenario()
def scenario_thirty_in_one_write(stage):
    """RFC 6120 §10.1: thirty stanzas in one write arrive, in their order."""
    romeo, juliet = stage.client("romeo"), stage.client("juliet").online()
    romeo.login()
    romeo.send("".join(f"<message to='{juliet.jid}'><body>{n}</body></message>"
                       for n in range(30)))
    check_equal(_numbered(juliet, 30), [str(n) for n in range(30)], "the messages")


@scenario()
def scenario_order_of_kinds(stage):
    """RFC 6120 §10.1: order is kept between stanzas of different kinds and between two clients."""
    romeo, juliet = stage.client("romeo"), stage.client("juliet").online()
    romeo.login()
    for n in range(40):
        if n % 2:
            romeo.send(f"<message to='{juliet.jid}' id='{n}'><body>x</body></message>")
        else:
            romeo.send(f"<iq type='get' to='{juliet.jid}' id='{n}'><q xmlns='urn:example:q'/></iq>")
    check_equal([juliet.receive().get("id") for _ in range(40)], [str(n) for n in range(40)], "ids")


@scenario(differs={"prosody": "its parser (Expat) may put off a token that came in pieces"})
def scenario_bytes_one_at_a_time(stage):
    """RFC 6120 §4: a stanza that comes byte by byte is the same stanza."""
    romeo, juliet = stage.client("romeo"), stage.client("juliet").online()
    romeo.login()
    text = f"<message to='{juliet.jid}' id='slow'><body>più 💘 &amp; a &lt; b</body></message>"
    for byte in text.encode():
        romeo.socket.sendall(bytes([byte]))
    check_equal(juliet.receive().findtext(BODY), "più 💘 & a < b", "the body")


@scenario()
def scenario_stanza_and_a_half(stage):
    """A write that ends inside a stanza: the whole ones are handled before the rest comes."""
    romeo, juliet = stage.client("romeo"), stage.client("juliet").online()
    romeo.login()
    romeo.send(f"<message to='{juliet.jid}'><body>1</body></message><message to='{juliet.jid}'><bo")
    check_equal(_numbered(juliet, 1), ["1"], "the first message")
    romeo.send("dy>2</body></message>")
    check_equal(_numbered(juliet, 1), ["2"], "the second message")


@scenario()
def scenario_names_are_prepared(stage):
    """RFC 7622 §3.3: names are compared without case and width, domains without case."""
    romeo, juliet = stage.client("romeo"), stage.client("juliet").online()
    romeo.login()
    user, host = juliet.account.user, juliet.account.host
    wide = chr(ord(user[0]) + 0xFEE0) + user[1:]
    for local, domain in ((user.upper(), host), (user, host.upper()), (wide, host)):
        romeo.send(f"<message to='{local}@{domain}/{juliet.jid.partition('/')[2]}'>"
                   f"<body>{local}@{domain}</body></message>")
        check_equal(_numbered(juliet, 1), [f"{local}@{domain}"], "the message")


@scenario()
def scenario_many_clients(stage):
    """Thirty clients of two accounts, each heard by all others of the other account."""
    clients = [stage.client(("romeo", "juliet")[n % 2], name=f"c{n}") for n in range(30)]
    for client in clients:
        client.login()
    target = clients[0]
    target.send("<presence/>")
    target.own_presence()
    for n, client in enumerate(clients[1:], 1):
        client.send(f"<message to='{target.jid}'><body>{n}</body></message>")
    check_equal(sorted(_numbered(target, 29), key=int), [str(n) for n in range(1, 30)], "who spoke")
    check(not target.collect(0.1), "more came than was sent")
