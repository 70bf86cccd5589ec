// Signing in, tokens, and what a refused request looks like.

import assert from "node:assert/strict";
import { test } from "node:test";
import { MemoryStore, Tieline, TielineError } from "../static/tieline.js";
import { aliceAt, alice, fakeServer, grant, problem } from "./fakes.mjs";

test("signing in names the device and keeps the grant (S1.1)", async () => {
  const server = fakeServer({ "POST /auth/login": [200, grant()] });
  const store = new MemoryStore();
  const tieline = new Tieline({ url: "http://chat.test", store, fetch: server.fetch, window: null, deviceName: "Firefox" });
  assert.equal(tieline.user, null);
  await tieline.signIn("alice", "secret");
  const { login, password, device } = server.calls[0].body;
  assert.deepEqual([login, password, device.platform, device.name], ["alice", "secret", "web", "Firefox"]);
  assert.match(device.id, /^[a-z2-7]{24}$/);
  assert.deepEqual(tieline.user, alice);
  assert.deepEqual(new Tieline({ url: "http://chat.test", store, window: null }).user, alice);
});

test("a refusal is a TielineError with the server's code", async () => {
  const server = fakeServer({ "POST /auth/register": problem(422, "invalid", { errors: [{ field: "username", code: "too_short" }] }) });
  const tieline = new Tieline({ url: "http://chat.test", store: new MemoryStore(), fetch: server.fetch, window: null });
  await assert.rejects(tieline.signUp({ username: "a", password: "b" }), (e) => {
    assert.ok(e instanceof TielineError);
    assert.deepEqual([e.code, e.status, e.errors[0].field, e.retry], ["invalid", 422, "username", false]);
    return true;
  });
  delete server.routes["POST /auth/register"];
  await assert.rejects(tieline.signUp({ username: "a", password: "b" }), { code: "network", retry: true });
});

test("an expired access token is refreshed once, however many requests met it", async () => {
  const routes = {
    "GET /me": ({ headers }) => (headers.Authorization === "Bearer access-2" ? [200, alice] : problem(401, "token_expired")),
    "POST /auth/refresh": [200, grant("access-2", "refresh-2")],
  };
  const { tieline, server } = aliceAt({ routes });
  const answers = await Promise.all([tieline.api.me(), tieline.api.me(), tieline.api.me()]);
  assert.deepEqual(answers, [alice, alice, alice]);
  assert.deepEqual(server.calls.filter((c) => c.what === "POST /auth/refresh").map((c) => c.body.refresh_token), ["refresh-1"]);
});

test("a refresh another tab has done is taken from the store", async () => {
  const routes = { "GET /me": ({ headers }) => (headers.Authorization === "Bearer access-2" ? [200, alice] : problem(401, "token_expired")) };
  const { tieline, store, server } = aliceAt({ routes });
  store.set("session", JSON.stringify(grant("access-2", "refresh-2")));
  assert.deepEqual(await tieline.api.me(), alice);
  assert.ok(!server.calls.some((c) => c.what === "POST /auth/refresh"));
});

for (const [name, refresh, code, reason] of [
  ["expired tokens end the session as expired (S1.3)", problem(401, "token_invalid"), "token_expired", ""],
  ["a session ended elsewhere says why (S2.8)", problem(401, "session_ended", { reason: "signed_in_elsewhere" }), "session_ended", "signed_in_elsewhere"],
]) {
  test(name, async () => {
    const { tieline, store, seen } = aliceAt({ routes: { "GET /me": problem(401, "token_expired"), "POST /auth/refresh": refresh } });
    await assert.rejects(tieline.api.me(), { code });
    assert.deepEqual(seen, [["signedout", { code, reason }]]);
    assert.equal(tieline.user, null);
    assert.equal(store.get("session"), null);
  });
}

test("an illegal token is told apart from an expired one (S2.9)", async () => {
  const { tieline, seen } = aliceAt({ routes: { "GET /me": problem(401, "token_invalid") } });
  await assert.rejects(tieline.api.me(), { code: "token_invalid" });
  assert.deepEqual(seen, [["signedout", { code: "token_invalid", reason: "" }]]);
});

test("a refresh that meets no server leaves the session alone", async () => {
  const { tieline, store } = aliceAt({ routes: { "GET /me": problem(401, "token_expired") } });
  await assert.rejects(tieline.api.me(), { code: "network" });
  assert.ok(tieline.user && store.get("session"));
});

test("signing out ends the session there and forgets it here (S1.6)", async () => {
  const { tieline, store, server, seen } = aliceAt({ routes: { "POST /auth/logout": [204, null] } });
  store.set("cursor.u1.d1", '{"offset":"g.1"}');
  await tieline.signOut();
  assert.equal(server.calls.at(-1).headers.Authorization, "Bearer access-1");
  assert.deepEqual([tieline.user, store.get("session"), store.get("cursor.u1.d1"), seen.length], [null, null, null, 0]);
});
