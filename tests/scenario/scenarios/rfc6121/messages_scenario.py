"""RFC 6121 §8.5: every cell of the tables for messages to local users.

A row says which resources the recipient has (by priority), where the message goes, its type, and
what becomes of it. Deliveries are sets of resources; "offline" means stored, "error" an answer.
"""

import itertools
from dataclasses import dataclass

from harness.errors import Failure, check_equal
from harness.stage import scenario
from harness.xmltree import CLIENT, STANZA_ERROR

MESSAGE, BODY = f"{{{CLIENT}}}message", f"{{{CLIENT}}}body"
TYPES = ("normal", "chat", "groupchat", "headline", "error")


@dataclass
class Row:
    """`online` maps a resource to its priority; None is connected without presence."""
    online: dict
    to: str  # "bare" or a resource
    type: str
    result: object  # a set of resources, "one" (any of them), "offline", "error", "nothing"


def rows():
    """RFC 6121 §8.5.2 and §8.5.3, and §8.5.1 through scenario_no_such_user."""
    two, lower = {"a": 1, "b": 1}, {"a": 5, "b": 1}
    negative, silent, nobody = {"a": -1}, {"a": None}, {}
    # §8.5.2.1.1: the bare address, at least one resource with a priority that is not negative.
    for online in ({"a": 0}, two, lower):
        yield Row(online, "bare", "normal", "some")
        yield Row(online, "bare", "chat", "some")
        yield Row(online, "bare", "groupchat", "error")
        yield Row(online, "bare", "headline", set(online))
        yield Row(online, "bare", "error", "nothing")
    mixed = {"a": 0, "b": -1}  # a negative priority gets nothing that is for the bare address
    yield Row(mixed, "bare", "normal", {"a"})
    yield Row(mixed, "bare", "chat", {"a"})
    yield Row(mixed, "bare", "headline", {"a"})
    # §8.5.2.2.1: the bare address, no resource that may have it.
    for online in (negative, silent, nobody):
        yield Row(online, "bare", "normal", "offline")
        yield Row(online, "bare", "chat", "offline")
        yield Row(online, "bare", "groupchat", "error")
        yield Row(online, "bare", "headline", "nothing")
        yield Row(online, "bare", "error", "nothing")
    # §8.5.3.1: the full address, and the resource is there; its priority does not matter.
    for priority, kind in itertools.product((0, -1, None), TYPES):
        yield Row({"a": priority, "b": 0}, "a", kind, {"a"})
    # §8.5.3.2.1: the full address, and the resource is not there. The RFC: normal, groupchat and
    # headline are ignored or an error, chat goes on as if to the bare address, error is ignored.
    for online in ({"a": 0}, lower):
        yield Row(online, "gone", "normal", "error or nothing or some")
        yield Row(online, "gone", "chat", "some")
        yield Row(online, "gone", "groupchat", "error")
        yield Row(online, "gone", "headline", "error or nothing")
        yield Row(online, "gone", "error", "nothing")
    yield Row(mixed, "gone", "chat", {"a"})
    for online in (negative, nobody):
        yield Row(online, "gone", "normal", "error or nothing or offline")
        yield Row(online, "gone", "chat", "offline")
        yield Row(online, "gone", "groupchat", "error")
        yield Row(online, "gone", "headline", "error or nothing")
        yield Row(online, "gone", "error", "nothing")


def _run(stage, wanted):
    romeo = stage.client("romeo")
    romeo.login()
    numbers = itertools.count(1)
    failures = []
    chosen = [row for row in rows() if wanted(row)]
    key = lambda row: list(row.online.items())  # noqa: E731
    for _, group in itertools.groupby(chosen, key=key):  # one set of logins for equal neighbours
        group = list(group)
        stage.say(f"recipient: {group[0].online}")
        recipients = _go_online(stage, group[0].online)
        offline = set()
        for row in group:
            failures += _one(stage, romeo, recipients, row, f"m{next(numbers)}", offline)
        for client in recipients.values():
            client.disconnect()
        failures += _check_offline(stage, offline)
    if failures:
        raise Failure(f"{len(failures)} of {len(chosen)} rows differ:\n" + "\n".join(failures))


def _go_online(stage, online):
    clients = {}
    for resource, priority in online.items():
        client = clients[resource] = stage.client("juliet", resource)
        client.login()
        if priority is not None:
            client.send(f"<presence><priority>{priority}</priority></presence>")
            client.own_presence()
    for client in clients.values():
        client.collect(0.05)
    return clients


def _one(stage, romeo, recipients, row, identity, offline):
    bare = stage.bare("juliet")
    to = bare if row.to == "bare" else f"{bare}/{row.to}"
    kind = "" if row.type == "normal" else f" type='{row.type}'"
    error = f"<error type='cancel'><gone xmlns='{STANZA_ERROR}'/></error>"
    romeo.send(f"<message to='{to}' id='{identity}'{kind}><body>{identity}</body>"
               f"{error if row.type == 'error' else ''}</message>")
    romeo.ping()
    answers = _of(romeo.collect(0.1), identity)
    got = {name for name, client in recipients.items() if _of(client.collect(0.05), identity)}
    actual = "error" if answers else got or "nothing"
    where = f"{row.type} to {row.to} with {row.online or 'nobody'}"
    if answers and got:
        return [f"{where}: delivered to {got} and answered with an error"]
    if answers and answers[0].find(f".//{{{STANZA_ERROR}}}service-unavailable") is None:
        return [f"{where}: the error is not <service-unavailable/>"]
    if actual == "nothing" and isinstance(row.result, str) and "offline" in row.result:
        if row.result == "offline":
            offline.add((identity, where))
        return []
    if not _allowed(row.result, actual):
        return [f"{where}: expected {row.result}, got {actual}"]
    return []


def _of(stanzas, identity):
    return [s for s in stanzas if s.tag == MESSAGE and s.get("id") == identity]


def _allowed(result, actual):
    if isinstance(result, set):
        return actual == result
    names = result.split(" or ")
    if isinstance(actual, set):
        return "some" in names
    return actual in names


def _check_offline(stage, expected):
    """What must have been stored comes at the next login, and nothing else does."""
    juliet = stage.client("juliet", "later")
    juliet.login()
    juliet.send("<presence/>")
    came = {s.get("id") for s in juliet.collect(0.3) if s.tag == MESSAGE}
    juliet.disconnect()
    lost = [f"{where}: expected to be stored, but it was not" for identity, where in
            sorted(expected) if identity not in came]
    return lost


@scenario()
def scenario_bare_available(stage):
    """RFC 6121 §8.5.2.1.1: messages to a bare address with available resources."""
    _run(stage, lambda row: row.to == "bare" and any((p or 0) >= 0 and p is not None
                                                     for p in row.online.values()))


@scenario()
def scenario_bare_unavailable(stage):
    """RFC 6121 §8.5.2.2.1: messages to a bare address without a resource that may have them."""
    _run(stage, lambda row: row.to == "bare" and all(p is None or p < 0
                                                     for p in row.online.values()))


@scenario()
def scenario_full_matches(stage):
    """RFC 6121 §8.5.3.1: messages to a full address whose resource is there."""
    _run(stage, lambda row: row.to in row.online)


@scenario()
def scenario_full_does_not_match(stage):
    """RFC 6121 §8.5.3.2.1: messages to a full address whose resource is not there."""
    _run(stage, lambda row: row.to == "gone")


@scenario()
def scenario_no_such_user(stage):
    """RFC 6121 §8.5.1: messages and requests for an account that does not exist."""
    romeo = stage.client("romeo")
    romeo.login()
    for number, (kind, to) in enumerate(itertools.product(TYPES, ("", "/gone"))):
        error = f"<error type='cancel'><gone xmlns='{STANZA_ERROR}'/></error>"
        romeo.send(f"<message to='nobody@{stage.host}{to}' type='{kind}' id='n{number}'>"
                   f"<body>x</body>{error if kind == 'error' else ''}</message>")
        answered = bool(_of(romeo.collect(0.05), f"n{number}"))
        if kind != "headline":  # an error or nothing, as the server likes
            check_equal(answered, kind != "error", f"whether {kind} to nobody{to} is answered")


@scenario()
def scenario_iq_to_full(stage):
    """RFC 6121 §8.5.3: an iq to a resource that is not there, or that never sent presence."""
    romeo, juliet = stage.client("romeo"), stage.client("juliet", "balcony")
    romeo.login()
    answer = romeo.iq("get", "<q xmlns='urn:example:q'/>", f"{stage.bare('juliet')}/gone")
    check_equal(answer.find(f".//{{{STANZA_ERROR}}}service-unavailable") is not None, True,
                "service-unavailable for a resource that is not there")
    juliet.login()
    romeo.iq("get", "<q xmlns='urn:example:q'/>", juliet.jid, fetch=False)
    request = juliet.receive()
    juliet.send(f"<iq type='result' id='{request.get('id')}' to='{request.get('from')}'/>")
    check_equal(romeo.answer(request.get("id")).get("type"), "result", "the answer")
