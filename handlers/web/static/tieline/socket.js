import { TielineError } from "./errors.js";

const WELCOME_WITHIN = 15_000;
const REPLY_WITHIN = 10_000;
const encoder = new TextEncoder();

/** The largest frame the server takes, in bytes. */
export const MAX_FRAME = 64 << 10;

/**
 * One connection: frames in and out, replies matched to their requests, and a
 * watchdog. A browser does not show the server's pings, so after two heartbeats
 * of silence it asks with one of its own, and gives up after the third.
 */
export class Socket {
  #ws;
  #clock;
  #on;
  #heardAt = 0;
  #heartbeat = 0;
  #probing = false;
  /** @type {unknown} */
  #timer = null;
  /** @type {Map<string, {resolve(f: any): void, reject(e: Error): void, timer: unknown}>} */
  #calls = new Map();
  #lastCall = 0;

  /**
   * @param {WebSocket} ws @param {import("./types.js").Clock} clock
   * @param {{frame(f: any): void, close(code: number): void}} on close is called exactly once
   */
  constructor(ws, clock, on) {
    this.#ws = ws;
    this.#clock = clock;
    this.#on = on;
    ws.onmessage = (e) => this.#hear(e.data);
    ws.onclose = (e) => this.#end(e.code);
    this.#timer = clock.setTimeout(() => this.drop(), WELCOME_WITHIN);
  }

  /** @param {string} data */
  #hear(data) {
    this.#heardAt = this.#clock.now();
    this.#probing = false;
    let frame;
    try {
      frame = JSON.parse(data);
    } catch {
      return;
    }
    if (frame.type === "welcome") this.#watch(frame.heartbeat_ms);
    const call = this.#calls.get(frame.re);
    if (!call) return this.#on.frame(frame);
    this.#settle(frame.re, call);
    if (frame.type === "error") call.reject(new TielineError(frame.code, frame));
    else call.resolve(frame);
  }

  /** @param {any} frame @returns {boolean} whether it went out */
  send(frame) {
    if (this.#ws.readyState !== 1) return false;
    this.#ws.send(JSON.stringify(frame));
    return true;
  }

  /** Sends a request and waits for what answers it. @param {any} frame @returns {Promise<any>} */
  call(frame) {
    const id = `q${++this.#lastCall}`;
    return new Promise((resolve, reject) => {
      if (!this.send({ type: frame.type, id, ...frame })) return reject(new TielineError("closed"));
      const timer = this.#clock.setTimeout(() => {
        this.#calls.delete(id);
        reject(new TielineError("timeout"));
      }, REPLY_WITHIN);
      this.#calls.set(id, { resolve, reject, timer });
    });
  }

  /** @param {string} id @param {{timer: unknown}} call */
  #settle(id, call) {
    this.#calls.delete(id);
    this.#clock.clearTimeout(call.timer);
  }

  /** @param {number} heartbeat milliseconds */
  #watch(heartbeat) {
    this.#heartbeat = heartbeat || 30_000;
    this.#next(() => this.#check(), this.#heartbeat);
  }

  #check() {
    if (this.#clock.now() - this.#heardAt >= 2 * this.#heartbeat) this.probe();
    else this.#next(() => this.#check(), this.#heartbeat);
  }

  /** Asks for a sign of life; without one the connection is dropped. @param {number} [within] milliseconds */
  probe(within = this.#heartbeat) {
    if (!this.#heartbeat) return; // not welcomed yet: that has a deadline of its own
    this.#probing = true;
    this.send({ type: "ping" });
    this.#next(() => {
      if (this.#probing) this.drop();
      else this.#check();
    }, within);
  }

  /** @param {() => void} f @param {number} ms */
  #next(f, ms) {
    if (this.#timer) this.#clock.clearTimeout(this.#timer);
    this.#timer = this.#clock.setTimeout(f, ms);
  }

  /** Ends it now, without waiting for the other side, which may be gone. @param {number} [code] */
  drop(code = 1000) {
    this.#ws.onmessage = null;
    this.#ws.onclose = null;
    try {
      this.#ws.close(code);
    } catch {
      // Still connecting, in some browsers: it goes when nobody holds it.
    }
    this.#end(1006);
  }

  /** @param {number} code */
  #end(code) {
    if (this.#timer) this.#clock.clearTimeout(this.#timer);
    this.#timer = null;
    const { close } = this.#on;
    this.#on = { frame() {}, close() {} };
    for (const [id, call] of this.#calls) {
      this.#settle(id, call);
      call.reject(new TielineError("closed"));
    }
    close(code);
  }
}

/** The size of a frame as it would be sent, in bytes. @param {unknown} frame */
export const frameSize = (frame) => encoder.encode(JSON.stringify(frame)).length;
