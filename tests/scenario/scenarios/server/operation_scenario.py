"""What the operator sees: metrics, health, counters, hosts, the log's level."""

import json
import re
import socket
import subprocess
import time
import urllib.error
import urllib.request

from harness.errors import check, check_equal
from harness.stage import scenario

ONLY_OURS = {"prosody": "is not under test here"}
PAGE = "metrics = {enabled = true, port = 0}"


def _in_log(stage, text, seconds=5):
    """Whether the text stands in the log, which is read a little later than it is written."""
    deadline = time.monotonic() + seconds
    while text not in stage.server.log_text() and time.monotonic() < deadline:
        time.sleep(0.02)
    return text in stage.server.log_text()


def _url(stage):
    """The page's address, as the log says it last."""
    found = re.findall(r" metrics url=(http://[0-9.:]+)/metrics", stage.server.log_text())
    check(found, "the log does not say where the page is")
    return found[-1]


def _ask(url, method="GET"):
    """(status, headers, text) of the answer."""
    request = urllib.request.Request(url, method=method)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=10) as answer:
            return answer.status, answer.headers, answer.read().decode()
    except urllib.error.HTTPError as answer:
        return answer.code, answer.headers, answer.read().decode()


def _samples(text):
    """The samples of an OpenMetrics text, summed over the shards: {name and labels: value}."""
    lines = text.splitlines()
    check_equal(lines[-1], "# EOF", "the last line")
    sums = {}
    for line in lines[:-1]:
        if line.startswith("#"):
            check(re.fullmatch(r"# (TYPE|UNIT|HELP) balcony_\w+ .+", line), line)
            continue
        sample = re.fullmatch(r'(balcony_\w+(?:\{[^}]*\})?) (\d+)', line)
        check(sample, f"no sample: {line}")
        name = re.sub(r'shard="\d+",?', "", sample[1]).replace("{}", "")
        sums[name] = sums.get(name, 0) + int(sample[2])
    return sums


def _grown(before, after, name):
    return after[name] - before[name]


@scenario(config=PAGE, differs=ONLY_OURS)
def scenario_metrics(stage):
    """OpenMetrics 1.0: the page can be read, and its counters count."""
    url = _url(stage)
    status, headers, text = _ask(url + "/metrics")
    check_equal(status, 200, "the status")
    check(headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0"),
          headers["Content-Type"])
    before = _samples(text)
    romeo, juliet = stage.client("romeo").online(), stage.client("juliet").online()
    for n in range(5):
        romeo.send(f"<message to='{stage.bare('juliet')}' type='chat' id='m{n}'><body>x</body></message>")
        check_equal(juliet.receive().get("id"), f"m{n}", "the message")
    after = _samples(_ask(url + "/metrics")[2])
    check_equal(_grown(before, after, "balcony_connections_accepted_total"), 2, "connections")
    check_equal(_grown(before, after, 'balcony_sessions{state="connected"}'), 2, "sessions")
    check_equal(_grown(before, after, 'balcony_logins_total{result="ok"}'), 2, "logins")
    for direction, least in (("in", 7), ("out", 7)):  # with presence
        name = f'balcony_stanzas_total{{direction="{direction}"}}'
        check(least <= _grown(before, after, name) < 100, f"{name} grew by "
              f"{_grown(before, after, name)}")
    check(after["balcony_resident_memory_bytes"] > 1_000_000, "the memory")
    check(after["balcony_open_descriptors"] > 5, "the descriptors")
    check(after['balcony_certificate_not_after_seconds{host="localhost"}'] > 1_700_000_000,
          "the certificate's end")


@scenario(config=PAGE, differs=ONLY_OURS)
def scenario_failed_logins_are_counted(stage):
    """docs/operations.md: who guesses passwords shows."""
    before = _samples(_ask(_url(stage) + "/metrics")[2])
    raw = stage.raw()
    raw.secure()
    raw.write("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>AHJvbWVvAHdyb25n</auth>")
    check(raw.receive().tag.endswith("failure"), "a wrong password is refused")
    after = _samples(_ask(_url(stage) + "/metrics")[2])
    check_equal(_grown(before, after, 'balcony_logins_total{result="failed"}'), 1, "failures")


@scenario(config=PAGE, users="", differs=ONLY_OURS)
def scenario_other_requests(stage):
    """RFC 9110 §15.5.5, §15.5.6: what the page does not have, and methods that it does not take."""
    url = _url(stage)
    check_equal(_ask(url + "/healthz")[::2], (200, "ok\n"), "the health")
    for path in ("/", "/metrics/", "/../etc/passwd", "/healthz2"):
        check_equal(_ask(url + path)[0], 404, path)
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "HEAD"):
        status, headers, _ = _ask(url + "/metrics", method)
        check_equal((status, headers["Allow"]), (405, "GET"), method)
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as sock:
        sock.sendall(b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\n\r\n")
        check(not sock.recv(100).startswith(b"HTTP/1.1 200"), "a request of 100 kB was answered")
    check_equal(_ask(url + "/healthz")[0], 200, "the health afterwards")


@scenario(config=PAGE, users="", differs=ONLY_OURS)
def scenario_metrics_stay_here(stage):
    """docs/security.md: without being told so, the page is on loopback only."""
    host, port = _url(stage).removeprefix("http://").split(":")
    check_equal(host, "127.0.0.1", "the address")
    outside = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)}
    for address in {"127.0.0.2"} | outside - {"127.0.0.1"}:
        with socket.socket() as sock:
            sock.settimeout(5)
            check(sock.connect_ex((address, int(port))) != 0, f"{address} answers")


@scenario(config=PAGE, users="romeo", differs=ONLY_OURS)
def scenario_taken_port(stage):
    """A page that cannot be opened is a warning; a reload opens it where it can."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        stage.apply({"metrics": {"enabled": True, "port": port}})
        stage.restart()
        stage.client("romeo").login()
        check(_in_log(stage, f"127.0.0.1:{port}"), "the log does not name the port")
    stage.control("reload")
    check_equal(_ask(f"http://127.0.0.1:{port}/healthz")[0], 200, "the health after the reload")
    check(_in_log(stage, f"metrics url=http://127.0.0.1:{port}/metrics"), "the log does not say so")


@scenario(fresh=True, differs=ONLY_OURS)
def scenario_commands(stage):
    """host list, stats, top and log level say what is."""
    romeo = stage.client("romeo").online()
    romeo.ping()
    hosts = {row["host"]: row for row in json.loads(stage.control("--json", "host", "list"))["rows"]}
    check_equal((hosts["localhost"]["sessions"], hosts["capulet.example"]["sessions"]), (1, 0),
                "sessions of the hosts")
    check_equal(hosts["localhost"]["accounts"], len(stage.server.accounts), "accounts")
    check(hosts["localhost"]["days left"] > 0 and "localhost" in hosts["localhost"]["names"],
          str(hosts["localhost"]))
    stats = json.loads(stage.control("--json", "stats"))["result"]
    check_equal((stats["sessions"], stats["waiting"], stats["logins"]), (1, 0, 1), "the counters")
    check_equal(sum(shard["in"] for shard in stats["shards"]), stats["in"], "the sum of the shards")
    top = json.loads(stage.control("--json", "top", "--once"))
    check_equal([row["jid"] for row in top["rows"]], [romeo.jid], "the busiest sessions")
    check_equal(stage.control("log", "level"), "log level: debug\n", "the level")
    stage.control("log", "level", "error")
    stage.client("juliet", "quiet").login()
    stage.control("log", "level", "debug")
    stage.client("juliet", "loud").login()
    check(_in_log(stage, f"jid={stage.bare('juliet')}/loud"), "nothing is logged at level debug")
    check("/quiet" not in stage.server.log_text(), "a login is logged at level error")


@scenario(fresh=True, users="romeo", differs=ONLY_OURS)
def scenario_top(stage):
    """top shows rates from its second result on, and ends when nobody reads it."""
    romeo = stage.client("romeo").online()
    with subprocess.Popen(stage.server.control_command("--json", "top"), stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, text=True) as process:
        first = json.loads(process.stdout.readline())
        for _ in range(40):
            romeo.ping()
        second = json.loads(process.stdout.readline())
        process.stdout.close()
        process.wait(10)
    check("in/s" not in first["result"], "a rate without a time before it")
    for what in (second["result"], second["rows"][0]):
        check(10 <= float(what["in/s"]) <= 21, f"40 stanzas in about two seconds are {what['in/s']}/s")
    check_equal(second["result"]["in"] - first["result"]["in"], 40, "the pings")
