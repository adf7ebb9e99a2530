// @xmpp/client (xmpp.js) over TCP as an agent: ../README.md describes the lines that go in and out.
//
// node agent.mjs JID PASSWORD ADDRESS PORT

import readline from "node:readline";
import { client, jid, xml } from "@xmpp/client";

const [address, password, host, port] = process.argv.slice(2);
const { local, domain } = jid(address);
const say = (...words) => process.stdout.write(words.join("\t") + "\n");

let mechanism = "?";
const xmpp = client({
  service: `xmpp://${host}:${port}`,
  domain,
  username: local,
  password,
});
xmpp.streamManagement.on("resumed", () => say("resumed"));

xmpp.on("send", (element) => {
  if (element.is?.("auth")) mechanism = element.attrs.mechanism;
  if (element.is?.("authenticate")) mechanism = element.attrs.mechanism;
});
// It tries again after a broken connection; what is wrong with an account it says at the first login.
let begun = false;
xmpp.on("error", (error) => begun || say("failed", String(error.message || error).replaceAll("\n", " ")));
xmpp.on("offline", () => say("offline"));
xmpp.on("online", (me) => {
  begun = true;
  say("online", me.toString(), mechanism);
  catchUp().catch((error) => say("failed", error.message));
});

// What came while it was away: a client with Bind 2 finds it in the archive (XEP-0386 §3.2).
// One that comes on both ways has the same id (XEP-0359).
const seen = new Set();
function isNew(id) {
  if (id && seen.has(id)) return false;
  seen.add(id);
  return true;
}
async function catchUp() {
  await xmpp.iqCaller.set(xml("query", "urn:xmpp:mam:2"));
}

xmpp.on("stanza", (stanza) => {
  const { from, type } = stanza.attrs;
  const archived = stanza.getChild("result", "urn:xmpp:mam:2");
  if (archived) {
    const kept = archived.getChild("forwarded").getChild("message");
    if (isNew(archived.attrs.id)) say("message", kept.attrs.from, kept.getChildText("body") ?? "", 1);
  } else if (stanza.is("message") && stanza.getChildText("body")) {
    if (!isNew(stanza.getChild("stanza-id", "urn:xmpp:sid:0")?.attrs.id)) return;
    const delayed = stanza.getChild("delay", "urn:xmpp:delay") ? 1 : 0;
    say("message", from, stanza.getChildText("body"), delayed);
  } else if (stanza.is("presence") && type === "subscribe") {
    xmpp.send(xml("presence", { to: from, type: "subscribed" }));
  } else if (stanza.is("presence")) {
    say("presence", from, type ?? "available");
  }
});

const commands = {
  presence: () => xmpp.send(xml("presence")),
  subscribe: (to) => xmpp.send(xml("presence", { to, type: "subscribe" })),
  send: (to, text) => xmpp.send(xml("message", { to, type: "chat" }, xml("body", {}, text))),
  async roster() {
    const query = await xmpp.iqCaller.get(xml("query", "jabber:iq:roster"));
    const items = query.getChildren("item").map(({ attrs }) => `${attrs.jid}=${attrs.subscription}`);
    say("roster", items.join(" "));
  },
  // Off and on again: the client still has what the server gave it to come back with (XEP-0484).
  async again() {
    begun = false;
    await xmpp.stop();
    await xmpp.start();
  },
  async quit() {
    await xmpp.stop();
    process.exit(0);
  },
};

readline.createInterface({ input: process.stdin }).on("line", async (line) => {
  const [command, ...words] = line.split("\t");
  await commands[command]?.(...words);
});

xmpp.start().catch((error) => {
  say("failed", error.message);
  process.exit(1);
});
