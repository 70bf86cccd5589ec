import { sayError, t } from "../words.js";
import { $, h, match, note, setText } from "./dom.js";
import { dayOf, nameOf, paintAvatar, timeOf } from "./names.js";

const NEAR = 80; // pixels from the end that still count as the end
const TOGETHER = 5 * 60_000; // messages of one person this close show the name once

/** The messages of the conversation shown. */
export class Messages {
  #model;
  #again;
  /** @type {any} */
  #shown = null;
  #atEnd = true;
  #newest = 0;

  /** @param {import("./model.js").Model} model @param {(p: any) => void} again sends a failed one once more */
  constructor(model, again) {
    this.#model = model;
    this.#again = again;
    $("log").onscroll = () => this.#scrolled();
    $("jump").onclick = () => this.#toEnd();
  }

  #scrolled() {
    const log = $("log");
    this.#atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < NEAR;
    if (this.#atEnd) this.#seen();
    if (log.clientHeight && log.scrollTop < 200) this.#model.older();
  }

  #toEnd() {
    $("log").scrollTop = $("log").scrollHeight;
    this.#atEnd = true;
    this.#seen();
  }

  /** Whoever looks at the end has seen everything; on a narrow screen the list may be in its place. */
  #seen() {
    $("jump").hidden = true;
    if ($("log").clientHeight && document.visibilityState === "visible" && document.hasFocus()) this.#model.read();
  }

  render() {
    const c = this.#model.selected;
    const log = $("log");
    const fresh = c !== this.#shown;
    if (fresh) {
      this.#shown = c;
      this.#atEnd = true;
      this.#newest = 0;
      $("messages").replaceChildren();
    }
    if (!c) return note($("log-note"), t("pick"));
    if (this.#atEnd) c.trim();
    const below = log.scrollHeight - log.scrollTop;
    const oldest = $("messages").firstElementChild?.dataset.key;
    log.setAttribute("aria-busy", String(c.loading));
    match($("messages"), items(c, this.#model.me), (i) => i.key, (i) => this.#make(i), (n, i) => this.#update(n, i, c));
    note($("log-note"), remark(c));
    if (c.failed) $("log-note").append(" ", h("button", { type: "button", onclick: () => (c.loaded ? this.#model.older() : this.#model.open(c)) }, t("retry")));
    if (this.#atEnd) this.#toEnd();
    else if (oldest && oldest !== $("messages").firstElementChild?.dataset.key) log.scrollTop = log.scrollHeight - below;
    else if (c.lastSeq > this.#newest) $("jump").hidden = false;
    this.#newest = c.lastSeq;
    // A screen taller than a page of history cannot be scrolled to ask for more.
    if (log.clientHeight && c.loaded && !c.start && !c.failed && log.scrollHeight <= log.clientHeight) this.#model.older();
  }

  /** @param {any} item */
  #make(item) {
    if (item.day) return h("li.day", {}, h("span", {}, item.day));
    if (item.m.kind === "system") return h("li.system", {}, h("span"));
    return h(
      "li.message",
      {},
      h("span.avatar", { "aria-hidden": "true" }),
      h("div.bubble", {}, h("span.who"), h("p.words", { dir: "auto" }), h("span.foot", {}, h("time"), h("span.state"))),
      h("span.offer", { hidden: true }),
    );
  }

  /** @param {any} n @param {any} item @param {import("./conversation.js").Conversation} c */
  #update(n, { day, m, p, first }, c) {
    if (day) return;
    if (m.kind === "system") return setText(n.firstChild, m.text);
    const mine = m.from?.id === this.#model.me.id;
    n.classList.toggle("mine", mine);
    n.classList.toggle("first", first);
    const name = nameOf(m.from);
    paintAvatar(n.querySelector(".avatar"), name, m.from?.id ?? "", m.from?.avatar_url);
    setText(n.querySelector(".who"), mine ? t("you") : name);
    setText(n.querySelector(".words"), m.recalled ? t("recalled") : m.text || t("attachment"));
    n.querySelector(".words").classList.toggle("quiet", !!m.recalled);
    const time = n.querySelector("time");
    time.dateTime = m.at;
    setText(time, timeOf(m.at) + (m.edited_at ? ` · ${t("edited")}` : ""));
    this.#state(n, p, mine && m.seq <= c.peerRead ? "read" : "kept", mine, c);
  }

  /** What became of one's own message. @param {any} n @param {any} p @param {string} settled @param {boolean} mine @param {any} c */
  #state(n, p, settled, mine, c) {
    const state = p?.state ?? settled;
    if (!mine || n.dataset.state === state) return;
    n.dataset.state = state;
    const word = state === "kept" && p?.live === false ? t("keptLate") : t(state);
    setText(n.querySelector(".state"), state === "failed" ? `${word}: ${sayError(p.error)}` : word);
    const offer = n.querySelector(".offer");
    offer.hidden = state !== "failed";
    if (state !== "failed") return offer.replaceChildren();
    offer.replaceChildren(
      h("button", { type: "button", onclick: () => this.#again(p) }, t("retry")),
      h("button", { type: "button", onclick: () => this.#model.discard(c, p.id) }, t("discard")),
    );
  }
}

/** What the place above the messages says. @param {import("./conversation.js").Conversation} c */
function remark(c) {
  if (c.failed) return t("loadFailed");
  if (c.loading) return t("loading");
  return c.loaded && !c.messages.length && !c.pending.length ? t("noMessages") : "";
}

/** Messages, then what is being sent, with the days between them. @param {import("./conversation.js").Conversation} c @param {any} me */
function items(c, me) {
  const all = c.messages.map((m) => ({ key: m.client_id ? `c${m.client_id}` : `s${m.seq}`, m }));
  const rest = c.pending.map((p) => ({ key: `c${p.id}`, p, m: { kind: "text", text: p.text, at: p.at, from: me, seq: Infinity } }));
  /** @type {any[]} */
  const out = [];
  let day = "";
  /** @type {any} */
  let before = null;
  for (const item of [...all, ...rest]) {
    const here = dayOf(item.m.at);
    if (here !== day) out.push({ key: `d${(day = here)}`, day });
    const close = before && here === dayOf(before.at) && Date.parse(item.m.at) - Date.parse(before.at) < TOGETHER;
    out.push({ ...item, first: !close || before.from?.id !== item.m.from?.id || before.kind === "system" });
    before = item.m;
  }
  return out;
}
