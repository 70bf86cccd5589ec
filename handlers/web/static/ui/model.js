import { Conversation } from "./conversation.js";
import { Typing } from "./typing.js";

const PAGE = 50;

/** What the chat page knows; says "change" whenever any of it changes. */
export class Model extends EventTarget {
  #tieline;
  #stop = new AbortController();
  /** @type {Map<string, Conversation>} */
  conversations = new Map();
  /** @type {Conversation|null} */
  selected = null;
  /** @type {Record<string, boolean>} who is online, of those we asked about */
  presence = {};
  listed = false;
  typing = new Typing((conversation, on) => this.#tieline.typing({ conversation }, on), () => this.changed());
  /** @type {Promise<void>|null} */
  #loading = null;

  /** @param {import("../tieline.js").Tieline} tieline */
  constructor(tieline) {
    super();
    this.#tieline = tieline;
    this.me = /** @type {any} */ (tieline.user);
    this.#on("message", (m) => this.#message(m));
    this.#on("sent", (s) => this.#settle(s.id, { state: "kept", live: s.live }));
    this.#on("failed", (f) => this.#settle(f.id, { state: "failed", error: f.error }));
    this.#on("gap", (g) => this.#gap(g.conversation));
    this.#on("receipt", (r) => this.#receipt(r));
    this.#on("presence", (p) => this.#presence(p.users));
    this.#on("typing", (f) => this.#typing(f));
    this.#on("event", (e) => this.#event(e));
    this.#on("welcome", () => this.#catchUp());
    for (const p of tieline.pending) this.#unsent(p);
  }

  /** Shows what was still being sent when the page was left. @param {any} p */
  #unsent({ id, to, message, at }) {
    const conversation = to.conversation ?? to.room;
    if (conversation) this.#conversation(conversation).pending.push({ id, text: message.text ?? "", at, state: "sending" });
  }

  /** @param {string} type @param {(detail: any) => void} f */
  #on(type, f) {
    this.#tieline.addEventListener(type, (e) => f(/** @type {CustomEvent} */ (e).detail), { signal: this.#stop.signal });
  }

  /** Hears nothing any more. */
  stop() {
    this.#stop.abort();
    this.typing.stop();
  }

  changed() {
    this.dispatchEvent(new Event("change"));
  }

  /** @param {string} id @param {"direct"|"room"} [kind] */
  #conversation(id, kind = "room") {
    let c = this.conversations.get(id);
    if (!c) this.conversations.set(id, (c = new Conversation(id, kind)));
    return c;
  }

  /** Newest first; the lobby is always there. */
  get list() {
    const time = (/** @type {Conversation} */ c) => (c.last ? Date.parse(c.last.at) : 0);
    return [...this.conversations.values()].sort((a, b) => time(b) - time(a));
  }

  get unread() {
    return this.list.reduce((n, c) => n + c.unread, 0);
  }

  /** Gets the list of conversations; once however many ask while it is on its way. */
  load() {
    this.#conversation("lobby");
    this.#loading ??= this.#load().finally(() => (this.#loading = null));
    return this.#loading;
  }

  async #load() {
    try {
      for (let cursor; ; ) {
        const page = await this.#tieline.api.conversations({ cursor, limit: 200 });
        for (const o of page.items) this.#conversation(o.id, o.kind).describe(o);
        if (!(cursor = page.next)) break;
      }
      this.listed = true;
    } catch {
      // The bar says so when there is no connection; the next welcome tries again.
    }
    this.#watchPeers();
    this.changed();
  }

  /** Connected: gets what could not be had before. */
  #catchUp() {
    if (!this.listed) this.load();
    if (this.selected && !this.selected.loaded) this.open(this.selected);
  }

  /** Reports whether there is a direct conversation with somebody. @param {string} id */
  isPeer(id) {
    return this.list.some((c) => c.peer?.id === id);
  }

  #watchPeers() {
    const peers = this.list.map((c) => c.peer?.id).filter(Boolean);
    this.#tieline.watch(peers.slice(0, 500));
  }

  /** @param {any} m */
  #message(m) {
    const mine = m.from?.id === this.me.id;
    const known = this.conversations.has(m.conversation);
    const c = this.#conversation(m.conversation, m.to?.room ? "room" : "direct");
    if (c.kind === "direct" && !mine) c.peer ??= m.from;
    c.receive(m, mine);
    this.typing.heard(c.id, m.from?.id, false);
    if (c !== this.selected) c.trim();
    if (!known) this.load();
    this.changed();
  }

  /** @param {string} id @param {any} outcome */
  #settle(id, outcome) {
    for (const c of this.conversations.values()) {
      const p = c.pending.find((p) => p.id === id);
      if (p) Object.assign(p, outcome);
    }
    this.changed();
  }

  /** @param {string} id */
  #gap(id) {
    const c = this.#conversation(id);
    c.reset();
    this.load();
    if (c === this.selected) this.open(c);
  }

  /** @param {{conversation: string, user: string, seq: number}} r */
  #receipt(r) {
    const c = this.conversations.get(r.conversation);
    if (!c) return;
    if (r.user === this.me.id) c.markRead(r.seq);
    else c.peerRead = Math.max(c.peerRead, r.seq);
    this.changed();
  }

  /** @param {Record<string, {online: boolean}>} users */
  #presence(users) {
    for (const [id, p] of Object.entries(users)) this.presence[id] = p.online;
    this.changed();
  }

  /** @param {{from: string, to: {user?: string, room?: string}, on: boolean}} f */
  #typing({ from, to, on }) {
    const c = to.user ? this.list.find((c) => c.peer?.id === from) : this.conversations.get(to.room ?? "");
    if (c && from !== this.me.id) this.typing.heard(c.id, from, on);
  }

  /** Somebody edited, recalled or reacted: looks at that message again. @param {any} e */
  async #event({ name, data }) {
    const c = this.conversations.get(data?.conversation);
    if (name?.startsWith("room.")) return this.load();
    if (!name?.startsWith("message.") || !c?.messages.some((m) => m.seq === data.seq)) return;
    const page = await this.#tieline.api.messages(c.id, { after_seq: data.seq - 1, before_seq: data.seq + 1 }).catch(() => null);
    if (page) c.merge(page.items);
    this.changed();
  }

  /** Shows a conversation and gets its newest messages. @param {Conversation|null} c */
  async open(c) {
    this.selected = c;
    this.changed();
    if (c && !c.loaded) await this.#page(c, {});
  }

  /** Gets older messages of the conversation shown. */
  async older() {
    const c = this.selected;
    if (c?.loaded && !c.start && c.messages.length) await this.#page(c, { before_seq: c.messages[0].seq });
  }

  /** @param {Conversation} c @param {{before_seq?: number}} bound */
  async #page(c, bound) {
    if (c.loading) return;
    c.loading = true;
    c.failed = false;
    this.changed();
    try {
      const { items } = await this.#tieline.api.messages(c.id, { ...bound, limit: PAGE });
      c.merge(items);
      c.loaded = true;
      if (items.length < PAGE) c.start = true;
    } catch {
      c.failed = true;
    }
    c.loading = false;
    this.changed();
  }

  /** Opens the direct conversation with somebody. @param {any} person */
  async write(person) {
    const there = this.list.find((c) => c.peer?.id === person.id);
    if (there) return there;
    const o = await this.#tieline.api.openDirect(person.id);
    const c = this.#conversation(o.id, "direct");
    c.describe({ ...o, peer: o.peer ?? person });
    this.#watchPeers();
    return c;
  }

  /** @param {Conversation} c @param {string} text @param {string} id */
  send(c, text, id) {
    c.pending.push({ id, text, at: new Date().toISOString(), state: "sending" });
    this.typing.sent();
    // What becomes of it is told by "sent" and "failed", but for what never got out of here.
    this.#tieline.send({ conversation: c.id }, { kind: "text", text }, id).catch((error) => this.#settle(id, { state: "failed", error }));
    this.changed();
  }

  /** @param {Conversation} c @param {string} id */
  discard(c, id) {
    c.pending = c.pending.filter((p) => p.id !== id);
    this.changed();
  }

  /** Everything in the conversation shown has been seen. */
  read() {
    const c = this.selected;
    if (!c?.loaded || !c.markRead(c.lastSeq)) return;
    this.#tieline.read(c.id, c.lastSeq);
    this.changed();
  }
}
