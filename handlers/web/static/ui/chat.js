import { sayError, t } from "../words.js";
import { Bar } from "./bar.js";
import { Compose } from "./compose.js";
import { $, note, oncePerFrame, say, setText } from "./dom.js";
import { Messages } from "./messages.js";
import { Model } from "./model.js";
import { nameOf, paintAvatar, titleOf } from "./names.js";
import { People } from "./people.js";
import { showConversations } from "./rows.js";

const TOAST = 5_000;

/** The chat page of whoever is signed in, from signing in to signing out. */
export class Chat {
  #tieline;
  #model;
  #people;
  #messages;
  #compose;
  #stop = new AbortController();
  #id = ""; // the conversation that the address names

  /** @param {import("../tieline.js").Tieline} tieline */
  constructor(tieline) {
    this.#tieline = tieline;
    const { signal } = this.#stop;
    const write = (/** @type {any} */ p) => this.#write(p);
    const choose = (/** @type {string} */ id) => void (location.hash = `#/chat/${encodeURIComponent(id)}`);
    this.#model = new Model(tieline);
    this.#people = new People(tieline, this.#model, write);
    this.#compose = new Compose(this.#model, { conversation: choose, person: write });
    this.#messages = new Messages(this.#model, (p) => this.#compose.again(p));
    const render = oncePerFrame(() => this.#render(choose));
    this.#model.addEventListener("change", render, { signal });
    this.#model.addEventListener("change", () => this.#title(), { signal });
    tieline.addEventListener("state", render, { signal });
    window.addEventListener("focus", render, { signal });
    new Bar(tieline, signal);
    $("back").onclick = () => void (location.hash = "#/chat");
    this.#begin();
  }

  #begin() {
    const name = nameOf(this.#model.me);
    setText($("me-name"), name);
    paintAvatar($("me-avatar"), name, this.#model.me.id, this.#model.me.avatar_url);
    $("chat").hidden = false;
    this.#tieline.addEventListener("welcome", () => this.#toast(t("welcome", { name })), { once: true, signal: this.#stop.signal });
    this.#model.load().then(() => this.#stop.signal.aborted || this.show(this.#id));
    this.#tieline.connect();
  }

  /** Ends it. */
  stop() {
    this.#stop.abort();
    this.#model.stop();
    this.#people.stop();
    document.title = t("app");
    for (const id of ["conversations", "online", "found", "messages", "to"]) $(id).replaceChildren();
    $("text").value = "";
    $("toast").hidden = true;
    $("chat").hidden = true;
  }

  /** Shows a conversation. None means the lobby, and on a narrow screen the list. @param {string} id */
  show(id) {
    $("chat").classList.toggle("reading", !!id);
    this.#id = id;
    const c = this.#model.conversations.get(id || "lobby");
    if (c && c !== this.#model.selected) this.#model.open(c);
    else this.#model.changed();
    if (id && c && matchMedia("(pointer: fine)").matches) $("text").focus();
  }

  /** @param {any} person */
  async #write(person) {
    try {
      const c = await this.#model.write(person);
      location.hash = `#/chat/${encodeURIComponent(c.id)}`;
    } catch (e) {
      this.#toast(sayError(e));
    }
  }

  /** @param {(id: string) => void} choose */
  #render(choose) {
    if (this.#stop.signal.aborted) return;
    const c = this.#model.selected;
    showConversations($("conversations"), this.#model, choose);
    this.#people.render();
    setText($("talk-name"), c ? titleOf(c) : "");
    setText($("talk-info"), c ? this.#info(c) : "");
    this.#compose.render(this.#people.online, this.#tieline.state !== "replaced");
    this.#messages.render();
  }

  /** What is said below the name of a conversation. @param {import("./conversation.js").Conversation} c */
  #info(c) {
    if (this.#model.typing.in(c.id)) return t(c.peer ? "isTyping" : "someoneTyping");
    if (c.peer) return t(this.#model.presence[c.peer.id] ? "isOnline" : "isOffline");
    return c.id === "lobby" ? t("lobbyInfo") : "";
  }

  #title() {
    const n = this.#model.unread;
    document.title = n ? `(${n}) ${t("app")}` : t("app");
  }

  /** @param {string} text */
  #toast(text) {
    note($("toast"), text);
    say(text);
    setTimeout(() => $("toast").textContent === text && note($("toast"), ""), TOAST);
  }
}
