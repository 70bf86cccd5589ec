// Connecting, coming back, and not coming back.

import assert from "node:assert/strict";
import { test } from "node:test";
import { backoff } from "../static/tieline/backoff.js";
import { aliceAt, aliceOnline, grant, message, problem, settle } from "./fakes.mjs";

test("each connect uses a ticket of its own", async () => {
  let n = 0;
  const a = await aliceOnline({ routes: { "POST /auth/ticket": () => [200, { ticket: `t${++n}`, expires_in: 30 }] } });
  const { url, protocols } = a.sockets.last();
  assert.equal(url.pathname, "/ws");
  assert.deepEqual(Object.fromEntries(url.searchParams), { device: "d1", platform: "web", ticket: "t1" });
  assert.equal(protocols, undefined);
  a.sockets.last().ends(1006);
  await a.clock.advance(250);
  assert.equal(a.sockets.last().url.searchParams.get("ticket"), "t2");
  assert.deepEqual(a.states, ["connecting", "online", "waiting", "connecting"]);
});

test("where no ticket is to be had the token goes into the subprotocol list (S4.6)", async () => {
  const a = aliceAt({ routes: { "POST /auth/ticket": problem(503, "unavailable") } });
  a.tieline.connect();
  await settle();
  assert.deepEqual(a.sockets.last().protocols, ["tieline.v1", "bearer.access-1"]);
  assert.ok(!a.sockets.last().url.search.includes("access-1"));
});

test("waits are jittered, double, and stay below 20 s", () => {
  assert.deepEqual([0, 1, 2, 3, 6, 7, 50].map((n) => backoff(n, () => 1)), [250, 500, 1000, 2000, 16000, 20000, 20000]);
  assert.equal(backoff(9, () => 0), 0);
});

test("failing attempts wait longer each time, a welcome alone does not reset that", async () => {
  const a = await aliceOnline();
  const waits = [];
  a.tieline.addEventListener("state", (e) => e.detail.state === "waiting" && waits.push(e.detail.retryIn));
  for (let i = 0; i < 4; i++) {
    a.sockets.last().ends(1006);
    await a.clock.advance(waits.at(-1));
    a.sockets.last().says({ type: "welcome", heartbeat_ms: 60_000 });
  }
  assert.deepEqual(waits, [125, 250, 500, 1000]);
});

test("a draining node is left when it says so", async () => {
  const a = await aliceOnline();
  a.sockets.last().says({ type: "drain", reconnect_in_ms: 3000 });
  a.sockets.last().ends(1012);
  await a.clock.advance(2999);
  assert.equal(a.sockets.opened.length, 1);
  await a.clock.advance(1);
  assert.equal(a.sockets.opened.length, 2);
});

for (const [code, kicked, want] of [
  [4001, "signed_in_elsewhere", { code: "session_ended", reason: "signed_in_elsewhere" }],
  [4004, "disabled", { code: "account_disabled", reason: "disabled" }],
  [4005, "", { code: "unauthorized", reason: "" }],
]) {
  test(`close ${code} is final (S2.7, S2.8)`, async () => {
    const a = await aliceOnline();
    if (kicked) a.sockets.last().says({ type: "kicked", reason: kicked, device: "d1" });
    a.sockets.last().ends(code);
    await a.clock.advance(60_000);
    assert.deepEqual(a.seen.filter(([t]) => t === "signedout"), [["signedout", want]]);
    assert.deepEqual([a.sockets.opened.length, a.tieline.state, a.tieline.user], [1, "signed_out", null]);
  });
}

test("4003 is final once the token itself is refused, not only a ticket that has run out (S2.9)", async () => {
  const a = await aliceOnline();
  a.sockets.last().ends(4003);
  await settle();
  assert.deepEqual(a.sockets.last().protocols, ["tieline.v1", "bearer.access-1"]);
  a.sockets.last().ends(4003);
  await a.clock.advance(60_000);
  assert.deepEqual(a.seen, [["signedout", { code: "token_invalid", reason: "" }]]);
  assert.deepEqual([a.sockets.opened.length, a.tieline.state, a.tieline.user], [2, "signed_out", null]);
});

test("4006: another window is this device now; the session stays, and connect() takes over", async () => {
  const a = await aliceOnline();
  a.sockets.last().says({ type: "kicked", reason: "replaced", device: "d1" });
  a.sockets.last().ends(4006);
  await a.clock.advance(60_000);
  assert.deepEqual([a.sockets.opened.length, a.tieline.state, a.tieline.user.username], [1, "replaced", "alice"]);
  a.tieline.connect();
  await settle();
  assert.equal(a.sockets.opened.length, 2);
});

test("4002: refreshes, then connects again at once", async () => {
  const a = await aliceOnline({ routes: { "POST /auth/refresh": [200, grant("access-2", "refresh-2")] } });
  a.sockets.last().ends(4002);
  await settle();
  assert.equal(a.sockets.opened.length, 2);
  assert.equal(a.server.calls.at(-1).headers.Authorization, "Bearer access-2");
});

test("a silent connection is asked for a sign of life, then replaced", async () => {
  const a = await aliceOnline(); // a heartbeat is 10 s
  const first = a.sockets.last();
  await a.clock.advance(20_000);
  assert.equal(first.of("ping").length, 1);
  first.says({ type: "pong" });
  await a.clock.advance(20_000);
  assert.equal(a.sockets.opened.length, 1);
  await a.clock.advance(20_000 + 125);
  assert.equal(first.readyState, 3);
  assert.equal(a.sockets.opened.length, 2);
});

test("no welcome within 15 s is a failed attempt", async () => {
  const a = aliceAt();
  a.tieline.connect();
  await settle();
  await a.clock.advance(15_125);
  assert.equal(a.sockets.opened.length, 2);
});

test("the browser coming online ends the wait; going offline probes the connection", async () => {
  const a = await aliceOnline();
  a.window.dispatchEvent(new Event("offline"));
  assert.equal(a.sockets.last().of("ping").length, 1);
  await a.clock.advance(5000);
  assert.equal(a.tieline.state, "waiting");
  a.window.dispatchEvent(new Event("online"));
  await settle();
  assert.equal(a.sockets.opened.length, 2);
});

test("requests with a reply are awaited; a lost connection rejects them", async () => {
  const a = await aliceOnline();
  const history = a.tieline.history("lobby", { before_seq: 9, limit: 2 });
  const asked = a.sockets.last().of("history")[0];
  assert.deepEqual([asked.conversation, asked.before_seq, asked.limit], ["lobby", 9, 2]);
  a.sockets.last().says({ type: "history", re: asked.id, items: [message(7), message(8)] });
  assert.equal((await history).items.length, 2);
  const ping = a.tieline.ping();
  a.sockets.last().ends(1006);
  await assert.rejects(ping, { code: "closed" });
});
