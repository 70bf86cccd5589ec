import { backoff, LONGEST } from "./backoff.js";
import { endsSession } from "./errors.js";
import { Socket } from "./socket.js";

/** What a close code says about coming back. Everything not named here: come back and resume. */
const OVER = new Map([
  [4001, "session_ended"],
  [4003, "token_invalid"],
  [4004, "account_disabled"],
  [4005, "unauthorized"],
]);
const EXPIRED = 4002;
const INVALID = 4003;
const REPLACED = 4006;
const RATE_LIMITED = 4029;
const PROBE = 5_000;

/** @typedef {"idle"|"connecting"|"online"|"waiting"|"replaced"|"signed_out"} State */

/**
 * Keeps one connection up: opens it, tells by its close code whether to come
 * back, and when. The states: idle (not wanted), connecting, online (welcomed),
 * waiting (for the next attempt), replaced (another window is this device now:
 * start again to take over), signed_out.
 */
export class Link {
  #env;
  #use;
  /** @type {Socket|null} */
  #socket = null;
  /** @type {unknown} */
  #timer = null;
  #attempts = 0;
  #turn = 0; // what belongs to an earlier attempt is ignored
  #reason = ""; // of the kicked or error frame that announced a close
  #backAt = 0; // when a draining node wants us back
  #doubted = false; // the last credential was not taken
  /** @type {State} */
  state = "idle";

  /**
   * @param {import("./types.js").Env} env
   * @param {object} use
   * @param {(plain: boolean) => Promise<WebSocket>} use.open plain: with the access token instead of a ticket
   * @param {() => Promise<void>} use.refresh
   * @param {(f: any) => void} use.frame
   * @param {(s: State, retryIn: number) => void} use.changed
   * @param {() => void} use.closed a connection has gone
   * @param {(code: string, reason: string) => void} use.over
   */
  constructor(env, use) {
    this.#env = env;
    this.#use = use;
  }

  /** Connects now, unless it is connected or on its way. */
  start() {
    if (this.state !== "online" && this.state !== "connecting") this.#attempt();
  }

  /** Ends the connection and does not come back. @param {State} [state] */
  stop(state = "idle") {
    this.#turn++;
    this.#cancel();
    this.#drop();
    this.#attempts = 0;
    this.#doubted = false;
    this.#set(state);
  }

  /** The network may have changed: come back at once, or find out whether the connection still works. */
  nudge() {
    if (this.state === "waiting") this.#attempt();
    else if (this.state === "online") this.#socket?.probe(PROBE);
  }

  /** @param {any} frame @returns {boolean} whether it went out */
  send(frame) {
    return this.state === "online" && !!this.#socket?.send(frame);
  }

  /** @param {any} frame @returns {Promise<any>|null} null while there is no connection */
  call(frame) {
    return this.state === "online" && this.#socket ? this.#socket.call(frame) : null;
  }

  async #attempt() {
    const turn = ++this.#turn;
    this.#cancel();
    this.#drop();
    this.#reason = "";
    this.#backAt = 0;
    this.#set("connecting");
    let ws;
    try {
      ws = await this.#use.open(this.#doubted);
    } catch (/** @type {any} */ e) {
      if (turn !== this.#turn) return;
      if (endsSession(e)) this.stop("signed_out");
      else this.#retry(e?.retryAfter ?? 0);
      return;
    }
    if (turn !== this.#turn) return ws.close();
    const socket = new Socket(ws, this.#env.clock, {
      frame: (f) => this.#frame(f),
      close: (code) => this.#closed(socket, code),
    });
    this.#socket = socket;
  }

  /** @param {any} f */
  #frame(f) {
    if (f.type === "welcome") this.#welcomed();
    else if (f.type === "synced") this.#attempts = 0; // not before: a node may fail right after its welcome
    else if (f.type === "kicked") this.#reason = f.reason;
    else if (f.type === "error" && f.reason) this.#reason = f.reason;
    else if (f.type === "drain") return this.#drain(f.reconnect_in_ms ?? 0);
    this.#use.frame(f);
  }

  #welcomed() {
    this.#doubted = false;
    this.#set("online");
  }

  /** @param {number} ms */
  #drain(ms) {
    this.#backAt = this.#env.clock.now() + ms;
    this.#cancel();
    this.#timer = this.#env.clock.setTimeout(() => this.#attempt(), ms);
  }

  /** @param {Socket} socket @param {number} code */
  #closed(socket, code) {
    this.#use.closed();
    if (this.#socket !== socket) return; // our own doing
    this.#socket = null;
    const ended = OVER.get(code) ?? (code !== REPLACED && this.#reason && this.#reason !== "replaced" ? "session_ended" : "");
    if (code === INVALID && !this.#doubted) {
      this.#doubted = true; // a ticket lives 30 s, and goes where Redis does: the token is asked before it is given up
      this.#attempt();
    } else if (ended) {
      this.stop("signed_out");
      this.#use.over(ended, this.#reason);
    } else if (code === REPLACED || this.#reason === "replaced") {
      this.stop("replaced");
    } else if (code === EXPIRED) {
      this.#refresh();
    } else if (this.#backAt) {
      this.#set("waiting", Math.max(0, this.#backAt - this.#env.clock.now()));
    } else {
      this.#retry(code === RATE_LIMITED ? LONGEST / 4 : 0);
    }
  }

  async #refresh() {
    const turn = ++this.#turn;
    this.#set("connecting");
    const failed = await this.#use.refresh().then(() => null, (e) => e);
    if (turn !== this.#turn) return;
    if (!failed && this.#attempts === 0) {
      this.#attempts++;
      this.#attempt();
    } else if (endsSession(failed)) this.stop("signed_out");
    else this.#retry(failed?.retryAfter ?? 0);
  }

  /** @param {number} atLeast milliseconds */
  #retry(atLeast) {
    const ms = atLeast + backoff(this.#attempts++, this.#env.random);
    this.#set("waiting", ms);
    this.#cancel();
    this.#timer = this.#env.clock.setTimeout(() => this.#attempt(), ms);
  }

  #cancel() {
    if (this.#timer) this.#env.clock.clearTimeout(this.#timer);
    this.#timer = null;
  }

  #drop() {
    const socket = this.#socket;
    this.#socket = null;
    socket?.drop();
  }

  /** @param {State} state @param {number} [retryIn] milliseconds */
  #set(state, retryIn = 0) {
    if (state === this.state && state !== "waiting") return;
    this.state = state;
    this.#use.changed(state, retryIn);
  }
}
