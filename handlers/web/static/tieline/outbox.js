import { backoff } from "./backoff.js";
import { TielineError } from "./errors.js";
import { MAX_FRAME, frameSize } from "./socket.js";
import { readJSON } from "./store.js";

const FULL = 500; // sends without an answer
const WINDOW = 32; // of them under way at once
const OVERDUE = 15_000; // milliseconds until an unanswered send is repeated on a connection that works

/**
 * @typedef {import("./types.js").Pending} Pending
 * @typedef {{resolve(a: any): void, reject(e: Error): void}} Waiter
 */

/**
 * Sends without an answer. They are kept in the store, so that they survive a
 * reload, and repeated in order, under the same id, until the server has kept
 * or refused them; repeating is harmless, since the id makes it the same message.
 */
export class Outbox {
  #store;
  #key;
  #env;
  #transmit;
  /** @type {Map<string, Pending>} in the order of sending */
  #entries = new Map();
  /** @type {Map<string, Waiter>} */
  #waiters = new Map();
  /** @type {Map<string, number>} when each went out on this connection */
  #sentAt = new Map();
  /** @type {unknown} */
  #timer = null;
  #refusals = 0;
  #paused = false;

  /**
   * @param {import("./types.js").Store} store @param {string} key @param {import("./types.js").Env} env
   * @param {(frame: any) => boolean} transmit false while there is no connection
   */
  constructor(store, key, env, transmit) {
    this.#store = store;
    this.#key = key;
    this.#env = env;
    this.#transmit = transmit;
    this.load();
  }

  /** Takes in what the store has: from before a reload, or of another window. */
  load() {
    for (const e of readJSON(this.#store, this.#key) ?? []) if (!this.#entries.has(e.id)) this.#entries.set(e.id, e);
  }

  get pending() {
    return [...this.#entries.values()];
  }

  /** @param {string} id */
  has(id) {
    return this.#entries.has(id);
  }

  /** @param {Pending} entry @returns {Promise<import("./types.js").Ack>} */
  add(entry) {
    if (this.#entries.size >= FULL) return Promise.reject(new TielineError("unavailable"));
    if (frameSize(frame(entry)) > MAX_FRAME) return Promise.reject(new TielineError("too_large", { status: 413 }));
    this.#entries.set(entry.id, entry);
    this.#keep((list) => [...list, entry]);
    const answer = new Promise((resolve, reject) => this.#waiters.set(entry.id, { resolve, reject }));
    this.#pump();
    return answer;
  }

  /** Changes what the store has, which another window may have changed meanwhile. @param {(list: Pending[]) => Pending[]} change */
  #keep(change) {
    const list = change(readJSON(this.#store, this.#key) ?? []);
    if (list.length) this.#store.set(this.#key, JSON.stringify(list));
    else this.#store.remove(this.#key);
  }

  /** Sends what is not under way yet, in order. */
  #pump() {
    if (this.#paused) return;
    for (const entry of this.#entries.values()) {
      if (this.#sentAt.size >= WINDOW) return;
      if (this.#sentAt.has(entry.id)) continue;
      if (!this.#transmit(frame(entry))) return;
      this.#sentAt.set(entry.id, this.#env.clock.now());
      this.#wake(OVERDUE);
    }
  }

  /** Sends everything without an answer again, in order: the connection is new, or a pause is over. */
  flush() {
    this.interrupted();
    this.#pump();
  }

  /** The connection has gone. */
  interrupted() {
    this.#rest();
    this.#paused = false;
    this.#sentAt.clear();
  }

  #rest() {
    if (this.#timer) this.#env.clock.clearTimeout(this.#timer);
    this.#timer = null;
  }

  /** @param {number} ms */
  #wake(ms) {
    this.#timer ??= this.#env.clock.setTimeout(() => {
      this.#timer = null;
      const now = this.#env.clock.now();
      const oldest = Math.min(...this.#sentAt.values());
      if (this.#paused || now - oldest >= OVERDUE) this.flush();
      else if (this.#sentAt.size) this.#wake(oldest + OVERDUE - now);
    }, ms);
  }

  /** The server has kept it. @param {import("./types.js").Ack} ack @returns {Pending|undefined} what was sent */
  kept(ack) {
    this.#refusals = 0;
    const [entry, waiter] = this.#remove(ack.re);
    waiter?.resolve(ack);
    this.#pump();
    return entry;
  }

  /**
   * The server has refused it: for now (it stays, and everything waits a
   * little, to keep the order) or for good.
   * @param {string} id @param {TielineError} error @returns {Pending|undefined} what has failed for good
   */
  refused(id, error) {
    if (!this.#entries.has(id)) return;
    if (error.retry) {
      this.#sentAt.delete(id);
      if (this.#paused) return;
      this.#paused = true;
      this.#rest();
      this.#wake(backoff(++this.#refusals, this.#env.random));
      return;
    }
    const [entry, waiter] = this.#remove(id);
    waiter?.reject(error);
    this.#pump();
    return entry;
  }

  /** @param {string} id @returns {[Pending|undefined, Waiter|undefined]} */
  #remove(id) {
    const found = /** @type {[Pending|undefined, Waiter|undefined]} */ ([this.#entries.get(id), this.#waiters.get(id)]);
    this.#entries.delete(id);
    this.#waiters.delete(id);
    this.#sentAt.delete(id);
    if (found[0]) this.#keep((list) => list.filter((e) => e.id !== id));
    return found;
  }

  /** Lets go: whoever waits is told so. The store keeps what is pending, unless forgotten. @param {{forget: boolean}} how */
  stop({ forget }) {
    this.interrupted();
    for (const w of this.#waiters.values()) w.reject(new TielineError("signed_out"));
    this.#waiters.clear();
    this.#entries.clear();
    if (forget) this.#store.remove(this.#key);
  }
}

/** @param {Pending} e */
const frame = (e) => ({ type: "send", id: e.id, to: e.to, message: e.message });
