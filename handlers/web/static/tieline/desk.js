import { Cursor } from "./cursor.js";
import { TielineError } from "./errors.js";
import { Outbox } from "./outbox.js";
import { Timelines } from "./timelines.js";

/** Passed on to the application as they come. */
const PLAIN = new Set(["welcome", "synced", "receipt", "presence", "typing", "signal", "kicked", "event"]);

const WATCH = 500; // people one frame may name

/**
 * Where the mail of one signed-in person on this device is handled: what comes
 * in is put in order and receipted, what goes out is kept until it is answered.
 */
export class Desk {
  #use;
  #person;
  #key;
  #store;
  /** @type {Cursor} */
  #cursor;
  /** @type {Timelines} */
  #timelines;
  #outbox;
  /** @type {Set<string>} whose presence is asked for, on each connection anew */
  #watched = new Set();
  /** @type {Map<string, number>} read marks that could not be sent yet */
  #reads = new Map();

  /**
   * @param {import("./types.js").Store} store @param {import("./types.js").Env} env @param {import("./types.js").Grant} grant
   * @param {object} use
   * @param {(frame: any) => boolean} use.send false while there is no connection
   * @param {(conversation: string, page: any) => Promise<any>} use.messages the history; by HTTP, where no frame limits a page
   * @param {(type: string, detail: any) => void} use.tell
   * @param {boolean} use.pullGaps
   */
  constructor(store, env, grant, use) {
    const { id, username, nickname, avatar_url } = grant.user;
    this.#person = { id, username, nickname, avatar_url };
    this.#store = store;
    this.#use = use;
    this.#key = `cursor.${id}.${grant.device_id}`;
    const report = (/** @type {string} */ offset) => use.send({ type: "received", offset });
    this.#cursor = new Cursor(store, this.#key, env.clock, report, () => this.#timelines.tops());
    this.#timelines = new Timelines(env.clock, this.#ordering(), this.#cursor.seen);
    this.#outbox = new Outbox(store, `outbox.${id}`, env, use.send);
  }

  #ordering() {
    const { messages, tell, pullGaps } = this.#use;
    return {
      deliver: (/** @type {any} */ m) => tell("message", m),
      pull: async (/** @type {string} */ conversation, /** @type {number} */ after_seq, /** @type {number} */ before_seq) =>
        (await messages(conversation, { after_seq, before_seq, limit: 200 })).items,
      skip: pullGaps
        ? null
        : (/** @type {string} */ conversation, /** @type {number} */ after_seq, /** @type {number} */ before_seq) =>
            tell("gap", { conversation, after_seq, before_seq }),
    };
  }

  /** Where to resume from. */
  get offset() {
    return this.#cursor.offset;
  }

  get pending() {
    return this.#outbox.pending;
  }

  /** Takes in sends that another window has left in the store. */
  load() {
    this.#outbox.load();
  }

  /** A connection is about to be opened. */
  opening() {
    this.#cursor.begin();
  }

  /** The connection has gone. */
  interrupted() {
    this.#outbox.interrupted();
  }

  /** Keeps how far it got. */
  keep() {
    this.#cursor.flush();
  }

  /** @param {{forget: boolean}} how whether what the store keeps goes too */
  stop({ forget }) {
    if (!forget) this.#cursor.flush();
    this.#cursor.stop();
    this.#timelines.stop();
    this.#outbox.stop({ forget });
    if (forget) this.#store.remove(this.#key);
  }

  /** Takes one frame from the server. @param {any} f */
  frame(f) {
    if (f.type === "welcome") this.#welcomed();
    else if (f.type === "message") this.#received(f);
    else if (f.type === "gap") this.#timelines.gap(f.conversation, f.after_seq, f.before_seq);
    else if (f.type === "ack") this.#kept(f);
    else if (f.type === "error") this.#refused(f);
    if (PLAIN.has(f.type)) this.#use.tell(f.type, f);
    if (f.type === "synced" || f.type === "event") this.#cursor.arrive(f.offset)();
  }

  #welcomed() {
    this.#outbox.flush();
    this.#watch([...this.#watched]);
    for (const [conversation, seq] of this.#reads) this.read(conversation, seq);
  }

  /** @param {any} frame */
  #received({ type, offset, ...message }) {
    const { client_id: re, conversation, seq, at } = message;
    // Our own message coming back: its ack was lost with a connection.
    const lost = re && this.#outbox.kept({ re, conversation, seq, at, live: true });
    if (lost) this.#use.tell("sent", { id: re, conversation, seq, at, live: true });
    this.#timelines.push(message, this.#cursor.arrive(offset));
  }

  /** @param {any} ack */
  #kept({ type, ...ack }) {
    const entry = this.#outbox.kept(ack);
    if (!entry) return;
    const { re: id, conversation, seq, at, live } = ack;
    this.#use.tell("sent", { id, conversation, seq, at, live });
    // The device that sent a message gets the ack only, so this is its copy.
    this.#timelines.push({ text: "", ...entry.message, conversation, seq, client_id: id, from: this.#person, to: entry.to, at });
  }

  /** @param {any} f */
  #refused(f) {
    const error = new TielineError(f.code, f);
    if (f.re && this.#outbox.has(f.re)) {
      if (this.#outbox.refused(f.re, error)) this.#use.tell("failed", { id: f.re, error });
    } else this.#use.tell("error", f);
  }

  /** @param {import("./types.js").Pending} entry */
  send(entry) {
    return this.#outbox.add(entry);
  }

  /** @param {string} conversation @param {number} seq */
  read(conversation, seq) {
    if (this.#use.send({ type: "read", conversation, seq })) this.#reads.delete(conversation);
    else this.#reads.set(conversation, seq);
  }

  /** @param {string[]} users */
  watch(users) {
    const fresh = users.filter((u) => !this.#watched.has(u));
    for (const u of fresh) this.#watched.add(u);
    this.#watch(fresh);
  }

  /** @param {string[]} users */
  #watch(users) {
    for (let i = 0; i < users.length; i += WATCH) this.#use.send({ type: "watch", users: users.slice(i, i + WATCH) });
  }

  /** @param {string[]} users */
  unwatch(users) {
    for (const u of users) this.#watched.delete(u);
    this.#use.send({ type: "unwatch", users });
  }
}
