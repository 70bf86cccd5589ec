// Stand-ins for what the SDK takes from outside: a clock that is moved by hand,
// a server that answers fetches from a table, and sockets driven by the test.

import { MemoryStore, Tieline } from "../static/tieline.js";

/** Lets everything that only waits for promises run. */
export const settle = () => new Promise((resolve) => setImmediate(resolve));

export class FakeClock {
  time = Date.parse("2026-11-21T08:00:00.000Z");
  #timers = new Map();
  #last = 0;
  now = () => this.time;
  setTimeout = (f, ms) => {
    this.#timers.set(++this.#last, { f, at: this.time + ms });
    return this.#last;
  };
  clearTimeout = (id) => void this.#timers.delete(id);

  /** Moves time on, running what falls due in order, promises included. */
  async advance(ms) {
    const end = this.time + ms;
    for (let due; (due = this.#next(end)); ) {
      this.time = due.at;
      due.f();
      await settle();
    }
    this.time = end;
  }

  #next(end) {
    const [first] = [...this.#timers].filter(([, t]) => t.at <= end).sort(([a, x], [b, y]) => x.at - y.at || a - b);
    if (!first) return null;
    this.#timers.delete(first[0]);
    return first[1];
  }
}

/** Answers by "METHOD /path"; an entry is [status, body, headers] or a function of the request body giving one. */
export function fakeServer(routes) {
  const calls = [];
  const fetch = async (url, { method, headers, body }) => {
    const path = new URL(url).pathname.replace("/api/v1", "");
    const request = { what: `${method} ${path}`, query: new URL(url).searchParams, headers, body: body && JSON.parse(body) };
    calls.push(request);
    const route = routes[request.what];
    if (!route) throw new TypeError("no network");
    const [status, content, extra] = typeof route === "function" ? await route(request) : route;
    return new Response(content === null ? null : JSON.stringify(content), { status, headers: extra });
  };
  return { calls, fetch, routes };
}

export const problem = (status, code, more = {}) => [status, { type: "about:blank", title: code, status, code, ...more }];

/** A WebSocket whose other end is the test. */
export function fakeSockets() {
  const opened = [];
  class FakeSocket {
    readyState = 0;
    sent = [];
    constructor(url, protocols) {
      this.url = new URL(url);
      this.protocols = protocols;
      opened.push(this);
    }
    send(data) {
      this.sent.push(JSON.parse(data));
    }
    close() {
      this.readyState = 3;
    }
    /** The server says something. */
    says(...frames) {
      for (const f of frames) this.onmessage?.({ data: JSON.stringify(f) });
    }
    /** The server greets, with nothing missed. */
    welcomes(offset = "g.0") {
      this.readyState = 1;
      this.says(
        { type: "welcome", session: "s", user: "u1", device: "d1", node: "n1", offset, resumed: true, queued: 0, heartbeat_ms: 10_000 },
        { type: "synced", offset, count: 0, source: "queue" },
      );
    }
    /** The server ends it. */
    ends(code) {
      this.readyState = 3;
      this.onclose?.({ code });
    }
    of(type) {
      return this.sent.filter((f) => f.type === type);
    }
  }
  return { opened, FakeSocket, last: () => opened.at(-1) };
}

export const alice = { id: "u1", username: "alice", nickname: "Alice", avatar_url: "" };
export const bob = { id: "u2", username: "bob", nickname: "Bob", avatar_url: "" };
export const grant = (access = "access-1", refresh = "refresh-1") => ({
  access_token: access, refresh_token: refresh, expires_in: 3600, device_id: "d1", user: alice,
});
export const message = (seq, text = `m${seq}`, more = {}) => ({
  type: "message", offset: `g.${seq}`, conversation: "lobby", seq, id: `lobby:${seq}`, from: bob, to: { room: "lobby" },
  kind: "text", text, at: "2026-11-21T08:00:00.000Z", ...more,
});

/** Alice, signed in, with everything around her faked; events of interest are written down. */
export function aliceAt({ store = new MemoryStore(), routes = {}, options = {}, clock = new FakeClock() } = {}) {
  if (!store.get("session")) store.set("session", JSON.stringify(grant()));
  const server = fakeServer({ "POST /auth/ticket": [200, { ticket: "t1", expires_in: 30 }], ...routes });
  const sockets = fakeSockets();
  const window = new EventTarget();
  const tieline = new Tieline({
    url: "http://chat.test", store, clock, random: () => 0.5, window, fetch: server.fetch, WebSocket: sockets.FakeSocket, ...options,
  });
  const seen = [];
  for (const type of ["message", "gap", "sent", "failed", "signedout", "kicked", "error"]) {
    tieline.addEventListener(type, (e) => seen.push([type, e.detail]));
  }
  const states = [];
  tieline.addEventListener("state", (e) => states.push(e.detail.state));
  const texts = () => seen.filter(([t]) => t === "message").map(([, m]) => m.text);
  return { tieline, store, clock, server, sockets, window, seen, states, texts };
}

/** Alice, connected. */
export async function aliceOnline(how) {
  const a = aliceAt(how);
  a.tieline.connect();
  await settle();
  a.sockets.last().welcomes();
  return a;
}
