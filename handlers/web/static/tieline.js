// The Tieline SDK for browsers. No dependencies, no build step:
//
//   import { Tieline } from "/tieline.js";
//   const tieline = new Tieline();
//   tieline.addEventListener("message", ({ detail }) => show(detail));
//   await tieline.signIn("alice", "correct horse");
//   tieline.connect();
//   await tieline.send({ room: "lobby" }, { kind: "text", text: "hello" }); // kept, once this resolves
//
// Messages come once each and in the order of their conversation; what was sent
// is repeated until the server has it, across reconnects and reloads. Events
// (their `detail` is the frame as in the protocol, unless said otherwise):
//   message, gap (only with pullGaps: false), receipt, presence, typing, signal, event, welcome, synced, kicked
//   sent {id, conversation, seq, at, live}   failed {id, error}      what became of a send
//   state {state, retryIn}                   see Link                how the connection is
//   signedout {code, reason}                                         the session is over: sign in again
//   error {code, detail}                                             a request without a reply was refused

import { Api } from "./tieline/api.js";
import { Desk } from "./tieline/desk.js";
import { TielineError } from "./tieline/errors.js";
import { Http } from "./tieline/http.js";
import { Link } from "./tieline/link.js";
import { LocalStore, newId } from "./tieline/store.js";
import { Tokens } from "./tieline/tokens.js";

export { Api, LocalStore, TielineError, newId };
export { MemoryStore } from "./tieline/store.js";

/** @typedef {import("./tieline/types.js").Target} Target */
/** @typedef {import("./tieline/types.js").Draft} Draft */

/** @type {import("./tieline/types.js").Clock} */
const realClock = {
  now: () => Date.now(),
  setTimeout: (f, ms) => setTimeout(f, ms),
  clearTimeout: (t) => clearTimeout(/** @type {number} */ (t)),
};

/** One person on one device. */
export class Tieline extends EventTarget {
  #options;
  #store;
  #env;
  #http;
  #tokens;
  #link;
  /** @type {Desk|null} of whoever is signed in */
  #desk = null;
  #leaving = false;

  /**
   * @param {object} [options]
   * @param {string} [options.url] the server; where the page came from, if not given
   * @param {import("./tieline/types.js").Store} [options.store] localStorage, if not given
   * @param {"web"|"ios"|"android"|"desktop"} [options.platform]
   * @param {string} [options.deviceName] as shown in the list of devices
   * @param {boolean} [options.pullGaps] false: a long gap is only told of, by a `gap` event
   * @param {typeof fetch} [options.fetch] @param {typeof WebSocket} [options.WebSocket]
   * @param {import("./tieline/types.js").Clock} [options.clock] @param {() => number} [options.random]
   * @param {EventTarget|null} [options.window] whose online, offline, pagehide events are heeded
   */
  constructor(options = {}) {
    super();
    this.#options = { url: globalThis.location?.origin, platform: "web", deviceName: "", pullGaps: true, ...options };
    this.#store = options.store ?? new LocalStore();
    this.#env = { clock: options.clock ?? realClock, random: options.random ?? Math.random };
    this.#http = new Http(this.#options.url, options.fetch ?? ((...a) => fetch(...a)));
    const renew = (/** @type {string} */ token) =>
      this.#http.request("POST", "/auth/refresh", { auth: false, body: { refresh_token: token } });
    this.#tokens = new Tokens(this.#store, renew, (why) => this.#ended(why));
    this.#http.tokens = this.#tokens;
    /** The HTTP API, by name. */
    this.api = new Api(this.#http);
    this.#link = new Link(this.#env, {
      open: (plain) => this.#open(plain),
      refresh: () => this.#tokens.refresh(),
      frame: (f) => this.#desk?.frame(f),
      changed: (state, retryIn) => this.#tell("state", { state, retryIn }),
      closed: () => this.#desk?.interrupted(),
      over: (code, reason) => this.#tokens.end(new TielineError(code, { reason })),
    });
    this.#heed(options.window === undefined ? globalThis.window : options.window);
    if (this.#tokens.grant) this.#settle();
  }

  /** Who is signed in, or null. */
  get user() {
    return this.#tokens.grant?.user ?? null;
  }

  get device() {
    return this.#tokens.grant?.device_id ?? "";
  }

  /** @returns {import("./tieline/link.js").State} */
  get state() {
    return this.#link.state;
  }

  /** Sends without an answer yet, oldest first. */
  get pending() {
    return this.#desk?.pending ?? [];
  }

  /** Creates an account and signs in. @param {{username: string, password: string, nickname?: string, email?: string, phone?: string, email_code?: string, invite_code?: string}} account */
  signUp(account) {
    return this.#enter("/auth/register", account);
  }

  /** @param {string} login user name, e-mail or phone @param {string} password */
  signIn(login, password) {
    return this.#enter("/auth/login", { login, password });
  }

  /** @param {string} path @param {Record<string, unknown>} body */
  async #enter(path, body) {
    const device = { id: this.#deviceId(), platform: this.#options.platform, name: this.#options.deviceName };
    const grant = await this.#http.request("POST", path, { auth: false, body: { ...body, device } });
    this.#link.stop();
    this.#leave({ forget: false });
    this.#tokens.save(grant);
    this.#settle();
    return grant.user;
  }

  #deviceId() {
    const id = this.#store.get("device") ?? newId();
    this.#store.set("device", id);
    return id;
  }

  /** Exchanges the tokens; happens by itself when they expire. */
  refresh() {
    return this.#tokens.refresh();
  }

  /** Ends this device's session and forgets what was kept of it here, even if the server cannot be reached. */
  async signOut() {
    this.#link.stop("signed_out");
    this.#leave({ forget: true });
    this.#leaving = true; // should it turn out to be over already, that is no news
    await this.#http.request("POST", "/auth/logout").catch(() => {});
    this.#leaving = false;
    this.#tokens.clear();
  }

  /** Begins the work for whoever has signed in. */
  #settle() {
    const grant = /** @type {import("./tieline/types.js").Grant} */ (this.#tokens.grant);
    this.#desk = new Desk(this.#store, this.#env, grant, {
      send: (f) => this.#link.send(f),
      messages: this.api.messages,
      tell: (type, detail) => this.#tell(type, detail),
      pullGaps: this.#options.pullGaps,
    });
  }

  /** Ends that work. @param {{forget: boolean}} how whether what the store keeps of it goes too */
  #leave(how) {
    this.#desk?.stop(how);
    this.#desk = null;
  }

  /** @param {TielineError} why */
  #ended(why) {
    this.#link.stop("signed_out");
    this.#leave({ forget: false });
    if (!this.#leaving) this.#tell("signedout", { code: why.code, reason: why.reason });
  }

  /** Connects, and stays connected until disconnect() or the session ends. */
  connect() {
    if (!this.#tokens.grant) throw new TielineError("signed_out");
    this.#desk?.load();
    this.#link.start();
  }

  disconnect() {
    this.#desk?.keep();
    this.#link.stop();
  }

  /** @param {boolean} plain without a ticket @returns {Promise<WebSocket>} */
  async #open(plain) {
    const query = new URLSearchParams({ device: this.device, platform: this.#options.platform });
    const offset = this.#desk?.offset;
    if (offset) query.set("offset", offset);
    const ticket = plain ? "" : await this.#ticket();
    if (ticket) query.set("ticket", ticket);
    this.#desk?.opening();
    const url = `${this.#options.url.replace(/^http/, "ws")}/ws?${query}`;
    const Socket = this.#options.WebSocket ?? WebSocket;
    return ticket ? new Socket(url) : new Socket(url, ["tieline.v1", `bearer.${this.#tokens.access}`]);
  }

  /** A credential for one connect, or nothing where there are none to be had: then the token itself must do. */
  async #ticket() {
    try {
      return (await this.api.ticket()).ticket;
    } catch (/** @type {any} */ e) {
      if (e.status === 404 || e.status >= 500) return "";
      throw e;
    }
  }

  /**
   * Sends a message. Resolves once it is kept; rejects only when it is refused
   * for good. Without a connection it waits for one.
   * @param {Target} to @param {Draft} message @param {string} [id] the same message has the same id
   * @returns {Promise<import("./tieline/types.js").Ack>}
   */
  send(to, message, id = newId()) {
    if (!this.#desk) return Promise.reject(new TielineError("signed_out"));
    const at = new Date(this.#env.clock.now()).toISOString();
    return this.#desk.send({ id, to, message, at });
  }

  /**
   * Asks for a part of the history, over the connection if there is one; a reply is cut where a frame ends.
   * @param {string} conversation @param {{before_seq?: number, after_seq?: number, limit?: number}} [page] both bounds exclusive
   */
  history(conversation, page = {}) {
    return this.#link.call({ type: "history", conversation, ...page }) ?? this.api.messages(conversation, page);
  }

  ping() {
    return this.#link.call({ type: "ping" }) ?? Promise.reject(new TielineError("closed"));
  }

  /** Marks everything up to seq as read. @param {string} conversation @param {number} seq */
  read(conversation, seq) {
    this.#desk?.read(conversation, seq);
  }

  /** @param {Target} to @param {boolean} on */
  typing(to, on) {
    this.#link.send({ type: "typing", to, on });
  }

  /** Passes anything on, at most once. @param {Target} to @param {unknown} data @returns {boolean} whether it went out */
  signal(to, data) {
    return this.#link.send({ type: "signal", to, data });
  }

  /** Asks for `presence` of these people, now and at each change. @param {string[]} users */
  watch(users) {
    this.#desk?.watch(users);
  }

  /** @param {string[]} users */
  unwatch(users) {
    this.#desk?.unwatch(users);
  }

  /** @param {EventTarget|null|undefined} window */
  #heed(window) {
    for (const name of ["online", "offline"]) window?.addEventListener(name, () => this.#link.nudge());
    window?.addEventListener("pageshow", () => this.#link.nudge());
    window?.addEventListener("pagehide", () => this.#desk?.keep());
  }

  /** @param {string} type @param {unknown} detail */
  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
