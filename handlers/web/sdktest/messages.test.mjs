// Order, duplicates, holes, receipts, resuming, and sends that must not be lost.

import assert from "node:assert/strict";
import { test } from "node:test";
import { MemoryStore } from "../static/tieline.js";
import { aliceAt, aliceOnline, message, problem, settle } from "./fakes.mjs";

const hello = { kind: "text", text: "hello" };
const lobby = { room: "lobby" };
const ack = (re, seq) => ({ type: "ack", re, conversation: "lobby", seq, at: "2026-11-21T08:00:00.000Z", live: true });

test("messages come once each and in order, whatever order they arrive in", async () => {
  const a = await aliceOnline();
  a.sockets.last().says(message(1), message(3), message(3), message(2), message(1), message(4));
  assert.deepEqual(a.texts(), ["m1", "m2", "m3", "m4"]);
});

test("on a device that knows nothing yet, an overtaken first message is not lost", async () => {
  const a = await aliceOnline();
  a.sockets.last().says(message(53), message(52), message(52), message(54));
  assert.deepEqual(a.texts(), ["m53", "m52", "m54"]);
});

/** The history of the lobby, of which no answer has more than `most` messages; `asked` are the bounds of each request. */
function history(most = 200) {
  const asked = [];
  const answer = ({ query }) => {
    const [after, before] = [Number(query.get("after_seq")), Number(query.get("before_seq"))];
    asked.push([after, before]);
    const length = Math.min(most, before - after - 1);
    return [200, { items: Array.from({ length }, (_, i) => message(after + 1 + i)) }];
  };
  return { asked, routes: { "GET /conversations/lobby/messages": answer } };
}

/** The texts m1 to mN. */
const upTo = (n) => Array.from({ length: n }, (_, i) => `m${i + 1}`);

test("a hole is pulled from the history", async () => {
  const { asked, routes } = history();
  const a = await aliceOnline({ routes });
  a.sockets.last().says(message(1), message(4));
  assert.deepEqual(a.texts(), ["m1"]);
  await a.clock.advance(300);
  assert.deepEqual(asked, [[1, 4]]);
  assert.deepEqual(a.texts(), upTo(4));
});

test("a gap is pulled page by page before what follows it", async () => {
  const { asked, routes } = history();
  const a = await aliceOnline({ routes });
  a.sockets.last().says(message(1), { type: "gap", conversation: "lobby", after_seq: 1, before_seq: 300 }, message(300));
  await settle();
  assert.deepEqual(asked, [[1, 202], [201, 300]]);
  assert.deepEqual(a.texts(), upTo(300));
});

test("a page that was cut short is asked on from where it ends", async () => {
  const { asked, routes } = history(3);
  const a = await aliceOnline({ routes });
  a.sockets.last().says(message(1), message(9));
  await a.clock.advance(300);
  assert.deepEqual(asked, [[1, 9], [4, 9], [7, 9]]);
  assert.deepEqual(a.texts(), upTo(9));
});

test("what the history does not have any more is not waited for", async () => {
  const answer = ({ query }) => [200, { items: query.get("after_seq") === "1" ? [message(3)] : [] }];
  const a = await aliceOnline({ routes: { "GET /conversations/lobby/messages": answer } });
  a.sockets.last().says(message(1), message(5));
  await a.clock.advance(300);
  assert.deepEqual(a.texts(), ["m1", "m3", "m5"]);
});

test("with pullGaps off a gap is told of instead", async () => {
  const a = await aliceOnline({ options: { pullGaps: false } });
  a.sockets.last().says(message(1), { type: "gap", conversation: "lobby", after_seq: 1, before_seq: 300 }, message(300));
  assert.deepEqual(a.seen.map(([t, d]) => (t === "gap" ? [d.after_seq, d.before_seq] : d.text)), ["m1", [1, 300], "m300"]);
});

test("a pull that fails for now is repeated", async () => {
  const a = await aliceOnline({ routes: { "GET /conversations/lobby/messages": problem(503, "unavailable") } });
  a.sockets.last().says(message(1), message(3));
  await a.clock.advance(300);
  assert.deepEqual(a.texts(), ["m1"]);
  Object.assign(a.server.routes, history().routes);
  await a.clock.advance(2000);
  assert.deepEqual(a.texts(), upTo(3));
});

test("received is sent after 500 ms or 32 messages", async () => {
  const a = await aliceOnline();
  const offsets = () => a.sockets.last().of("received").map((f) => f.offset);
  a.sockets.last().says(message(1), message(2));
  await a.clock.advance(499);
  assert.deepEqual(offsets(), []);
  await a.clock.advance(1);
  assert.deepEqual(offsets(), ["g.2"]);
  for (let seq = 3; seq <= 34; seq++) a.sockets.last().says(message(seq));
  assert.deepEqual(offsets(), ["g.2", "g.34"]);
});

test("nothing behind a hole is reported as received", async () => {
  const a = await aliceOnline();
  const direct = message(1, "hi", { conversation: "d", offset: "g.7" });
  a.sockets.last().says(message(1), message(3), direct);
  await a.clock.advance(500);
  assert.deepEqual(a.sockets.last().of("received").map((f) => f.offset), ["g.1"]);
  a.sockets.last().says(message(2, "m2", { offset: "g.8" }));
  await a.clock.advance(500);
  assert.equal(a.sockets.last().of("received").at(-1).offset, "g.8");
});

test("a reload resumes from the offset kept and sees nothing twice", async () => {
  const a = await aliceOnline();
  a.sockets.last().says(message(1), message(2));
  a.window.dispatchEvent(new Event("pagehide"));
  const b = await aliceOnline({ store: a.store });
  assert.equal(b.sockets.last().url.searchParams.get("offset"), "g.2");
  b.sockets.last().says(message(2), message(3));
  assert.deepEqual(b.texts(), ["m3"]);
});

test("send resolves with the ack, and the sender sees its own message in its place", async () => {
  const a = await aliceOnline();
  const sent = a.tieline.send(lobby, hello, "c1");
  assert.deepEqual(a.sockets.last().of("send"), [{ type: "send", id: "c1", to: lobby, message: hello }]);
  a.sockets.last().says(message(1), ack("c1", 2), message(3));
  assert.equal((await sent).seq, 2);
  assert.deepEqual(a.texts(), ["m1", "hello", "m3"]);
  assert.equal(a.seen.find(([t, d]) => t === "message" && d.client_id === "c1")[1].from.username, "alice");
  assert.deepEqual(a.tieline.pending, []);
});

test("unanswered sends are repeated in order, under the same ids, after a reconnect", async () => {
  const a = await aliceOnline();
  const sends = ["c1", "c2"].map((id) => a.tieline.send(lobby, hello, id));
  a.sockets.last().says(ack("c1", 1));
  a.sockets.last().ends(1006);
  sends.push(a.tieline.send(lobby, hello, "c3"));
  await a.clock.advance(250);
  const second = a.sockets.last();
  second.welcomes();
  assert.deepEqual(second.of("send").map((f) => f.id), ["c2", "c3"]);
  second.says(ack("c2", 2), ack("c3", 3));
  assert.deepEqual((await Promise.all(sends)).map((s) => s.seq), [1, 2, 3]);
});

test("unanswered sends survive a reload; one that was kept after all is recognised", async () => {
  const a = aliceAt();
  a.tieline.send(lobby, hello, "c1");
  a.tieline.send(lobby, hello, "c2");
  const b = await aliceOnline({ store: a.store });
  assert.deepEqual(b.tieline.pending.map((p) => p.id), ["c1", "c2"]);
  assert.deepEqual(b.sockets.last().of("send").map((f) => f.id), ["c1", "c2"]);
  b.sockets.last().says(message(1, "hello", { client_id: "c1" }), ack("c1", 1), ack("c2", 2));
  assert.deepEqual(b.seen.map(([t, d]) => [t, d.seq]), [["sent", 1], ["message", 1], ["sent", 2], ["message", 2]]);
  assert.deepEqual(aliceAt({ store: a.store }).tieline.pending, []);
});

test("a send refused for now is repeated, one refused for good is rejected", async () => {
  const a = await aliceOnline();
  const socket = a.sockets.last();
  const kept = a.tieline.send(lobby, hello, "c1");
  socket.says({ type: "error", re: "c1", code: "unavailable", detail: "", retry: true });
  const blocked = assert.rejects(a.tieline.send({ user: "u9" }, hello, "c2"), { code: "blocked" });
  assert.deepEqual(socket.of("send").map((f) => f.id), ["c1"]);
  await a.clock.advance(250);
  assert.deepEqual(socket.of("send").map((f) => f.id), ["c1", "c1", "c2"]);
  socket.says(ack("c1", 1), { type: "error", re: "c2", code: "blocked", detail: "", retry: false });
  assert.equal((await kept).seq, 1);
  await blocked;
  assert.deepEqual(a.seen.filter(([t]) => t === "failed").map(([, d]) => [d.id, d.error.code]), [["c2", "blocked"]]);
  assert.deepEqual(a.tieline.pending, []);
});

test("a send nobody answers is repeated after 15 s, and at most 32 are under way", async () => {
  const a = await aliceOnline();
  const socket = a.sockets.last();
  for (let i = 1; i <= 40; i++) a.tieline.send(lobby, hello, `c${i}`);
  assert.equal(socket.of("send").length, 32);
  socket.says(ack("c1", 1));
  assert.equal(socket.of("send").at(-1).id, "c33");
  const before = socket.of("send").length;
  const chatter = setChatter(a, socket);
  await a.clock.advance(16_000);
  chatter();
  assert.equal(socket.of("send")[before].id, "c2");
});

/** Keeps the watchdog content. */
function setChatter(a, socket) {
  let timer = a.clock.setTimeout(function again() {
    socket.says({ type: "pong" });
    timer = a.clock.setTimeout(again, 5000);
  }, 5000);
  return () => a.clock.clearTimeout(timer);
}

test("a message no frame can hold is refused here", async () => {
  const a = await aliceOnline();
  await assert.rejects(a.tieline.send(lobby, { kind: "text", text: "😀".repeat(20_000) }), { code: "too_large" });
  assert.equal(a.sockets.last().sent.length, 0);
});

test("what is watched and read meanwhile is said on the next connection", async () => {
  const a = aliceAt({ store: new MemoryStore() });
  a.tieline.watch(["u2", "u3"]);
  a.tieline.read("lobby", 5);
  a.tieline.connect();
  await settle();
  a.sockets.last().welcomes();
  assert.deepEqual(a.sockets.last().sent, [
    { type: "watch", users: ["u2", "u3"] },
    { type: "read", conversation: "lobby", seq: 5 },
  ]);
});
