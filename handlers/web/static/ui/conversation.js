const KEEP = 200; // messages kept of a conversation nobody scrolls in

/**
 * One conversation as this page knows it: messages ordered by seq without
 * holes, then what is still being sent.
 */
export class Conversation {
  /** @type {any[]} ascending by seq */
  messages = [];
  /** @type {{id: string, text: string, at: string, state: "sending"|"kept"|"failed", live?: boolean, error?: any}[]} */
  pending = [];
  /** @type {any} */
  last = null;
  lastSeq = 0;
  readSeq = 0;
  /** How far the other person of a direct conversation has read. */
  peerRead = 0;
  unread = 0;
  loaded = false; // the newest messages are here
  loading = false;
  failed = false;
  start = false; // the oldest message is here
  /** @type {any} */
  peer = null;
  /** @type {any} */
  room = null;

  /** @param {string} id @param {"direct"|"room"} kind */
  constructor(id, kind) {
    this.id = id;
    this.kind = kind;
  }

  /** Takes in what the list of conversations says. @param {any} o */
  describe(o) {
    this.kind = o.kind;
    this.peer = o.peer ?? this.peer;
    this.room = o.room ?? this.room;
    if ((o.last_seq ?? 0) >= this.lastSeq) {
      this.lastSeq = o.last_seq ?? 0;
      this.unread = o.unread ?? 0;
      this.last = o.last_message ?? this.last;
    }
    this.readSeq = Math.max(this.readSeq, o.read_seq ?? 0);
  }

  /** Takes in a new message. @param {any} m @param {boolean} mine */
  receive(m, mine) {
    this.merge([m]);
    if (m.seq <= this.lastSeq) return;
    if (!mine && m.seq > this.readSeq) this.unread++;
    this.lastSeq = m.seq;
    this.last = m;
  }

  /** Takes in messages, in any order, that may be here already. @param {any[]} items */
  merge(items) {
    for (const m of items) {
      let at = this.messages.length;
      while (at && this.messages[at - 1].seq > m.seq) at--;
      if (at && this.messages[at - 1].seq === m.seq) this.messages[at - 1] = m;
      else this.messages.splice(at, 0, m);
      if (m.seq === 1) this.start = true;
      if (m.client_id) this.pending = this.pending.filter((p) => p.id !== m.client_id);
    }
  }

  /** Forgets the oldest beyond what is worth keeping; they are in the history. */
  trim() {
    if (this.messages.length <= 2 * KEEP) return;
    this.messages.splice(0, this.messages.length - KEEP);
    this.start = false;
  }

  /** Forgets all messages: some between them and the next are missing. */
  reset() {
    this.messages = [];
    this.loaded = this.start = false;
  }

  /** @param {number} seq @returns {boolean} whether that was news */
  markRead(seq) {
    if (seq <= this.readSeq) return false;
    this.readSeq = seq;
    if (seq >= this.lastSeq) this.unread = 0;
    return true;
  }
}
