// The golden frames of pkg/wire: the SDK speaks the same protocol as the server.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";
import { aliceOnline } from "./fakes.mjs";

const folder = new URL("../../../pkg/wire/testdata/", import.meta.url);
const golden = (name) => JSON.parse(readFileSync(new URL(`${name}.json`, folder), "utf8"));

/** What makes the SDK send each golden frame of a client. */
const acts = {
  send: (t, f) => t.send(f.to, f.message, f.id),
  read: (t, f) => t.read(f.conversation, f.seq),
  typing: (t, f) => t.typing(f.to, f.on),
  signal: (t, f) => t.signal(f.to, f.data),
  watch: (t, f) => t.watch(f.users),
  unwatch: (t, f) => t.unwatch(f.users),
  history: (t, { type, id, conversation, ...page }) => void t.history(conversation, page),
  ping: (t) => void t.ping(),
};

for (const file of readdirSync(folder).filter((n) => n.startsWith("client_") && n !== "client_received.json")) {
  test(`${file} is what the SDK sends`, async () => {
    const want = golden(file.replace(".json", ""));
    const { tieline, sockets } = await aliceOnline();
    acts[want.type](tieline, want);
    const [got] = sockets.last().sent;
    assert.equal(Object.keys(got)[0], "type");
    // Ids of requests are the client's own business, and a signal needs none.
    assert.deepEqual({ ...got, id: 0 }, { ...want, id: 0 });
  });
}

test("the SDK tells the application of every golden frame of the server", async () => {
  const told = ["welcome", "message", "synced", "receipt", "presence", "typing", "signal", "event", "kicked"];
  for (const type of told) {
    const frame = golden(`server_${type}`);
    const { tieline, sockets } = await aliceOnline();
    let detail = null;
    tieline.addEventListener(type, (e) => (detail = e.detail));
    sockets.last().says(frame);
    const { offset, type: _, ...message } = frame;
    assert.deepEqual(detail, type === "message" ? message : frame, type);
  }
});

test("golden acks and errors answer the send they name", async () => {
  const { tieline, sockets, clock } = await aliceOnline();
  const sent = tieline.send({ user: "u-bob" }, { kind: "text", text: "hi" }, "c-1");
  sockets.last().says(golden("server_error"));
  await clock.advance(250);
  assert.equal(sockets.last().of("send").length, 2);
  sockets.last().says(golden("server_ack"));
  assert.equal((await sent).seq, 42);
});
