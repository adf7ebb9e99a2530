"""RFC 6121 §2.3.3: a roster has an end."""

from harness.errors import check_equal
from harness.stage import scenario

ROSTER = "jabber:iq:roster"
LIMIT = 10


def put(client, jid, attributes=""):
    """The type of the answer to a roster set, or the condition of its error."""
    answer = client.iq("set", f"<query xmlns='{ROSTER}'><item jid='{jid}' {attributes}/></query>")
    if answer.get("type") != "error":
        return answer.get("type")
    error = answer.find("{jabber:client}error")
    return error[0].tag.rpartition("}")[2]


@scenario(config=f"limits.roster_items = {LIMIT}")
def scenario_roster_limit(stage):
    """RFC 6121 §2.3.3: new contacts are refused, old ones changed and removed."""
    romeo = stage.client("romeo")
    romeo.login()
    for number in range(LIMIT):
        check_equal(put(romeo, f"c{number}@verona.example"), "result", f"contact {number}")
    check_equal(put(romeo, "more@verona.example"), "resource-constraint", "one too many")
    check_equal(put(romeo, "c1@verona.example", "name='C'"), "result", "a change")
    check_equal(put(romeo, "c1@verona.example", "subscription='remove'"), "result", "a removal")
    check_equal(put(romeo, "more@verona.example"), "result", "the place that was made")
    roster = romeo.iq("get", f"<query xmlns='{ROSTER}'/>")
    check_equal(len(roster[0]), LIMIT, "contacts in the roster")
