import { newId } from "../tieline.js";
import { t } from "../words.js";
import { $, h, match, note } from "./dom.js";
import { nameOf, titleOf } from "./names.js";

const MAX_TEXT = 20_000; // characters the server takes

/** Where one writes, and chooses to whom: everyone in the lobby, or one person (S1.5). */
export class Compose {
  #model;
  #choose;
  /** @type {Map<string, string>} what was begun in each conversation */
  #drafts = new Map();
  /** @type {any} */
  #shown = null;

  /**
   * @param {import("./model.js").Model} model
   * @param {{conversation(id: string): void, person(p: any): void}} choose
   */
  constructor(model, choose) {
    this.#model = model;
    this.#choose = choose;
    const text = $("text");
    text.oninput = () => this.#typed();
    text.onkeydown = (/** @type {KeyboardEvent} */ e) => {
      // While an input method is composing, Enter chooses a word (keyCode 229 is Safari's way to say so).
      if (e.key !== "Enter" || e.shiftKey || e.isComposing || e.keyCode === 229) return;
      e.preventDefault();
      this.#submit();
    };
    $("compose").onsubmit = (/** @type {Event} */ e) => (e.preventDefault(), this.#submit());
  }

  #typed() {
    this.#fit();
    note($("compose-error"), "");
    const c = this.#model.selected;
    if (c) this.#model.typing.writes(c, !!$("text").value.trim());
  }

  #fit() {
    const text = $("text");
    text.style.height = "auto";
    text.style.height = `${Math.min(text.scrollHeight + 2, 180)}px`;
  }

  #submit() {
    const c = this.#model.selected;
    const text = $("text");
    if (!c) return;
    if (!text.value.trim()) return note($("compose-error"), t("empty"));
    if ([...text.value].length > MAX_TEXT) return note($("compose-error"), t("error.too_large"));
    this.#model.send(c, text.value, newId());
    text.value = "";
    note($("compose-error"), "");
    this.#fit();
    text.focus();
  }

  /** Sends a failed one once more. @param {any} p */
  again(p) {
    const c = this.#model.selected;
    if (!c) return;
    this.#model.discard(c, p.id);
    this.#model.send(c, p.text, newId());
  }

  /** @param {any[]} online @param {boolean} usable */
  render(online, usable) {
    const c = this.#model.selected;
    if (c !== this.#shown) this.#swap(c);
    for (const n of $("compose").elements) n.disabled = !c || !usable;
    const to = $("to");
    to.disabled = !usable;
    const known = new Set(this.#model.list.map((x) => x.peer?.id));
    const options = [
      ...this.#model.list.map((x) => ({ value: `c${x.id}`, label: titleOf(x) })),
      ...online.filter((p) => !known.has(p.id)).map((p) => ({ value: `u${p.id}`, label: nameOf(p) })),
    ];
    match(to, options, (o) => o.value, (o) => h("option", { value: o.value }), (n, o) => n.textContent === o.label || (n.textContent = o.label));
    to.value = c ? `c${c.id}` : "";
    to.onchange = () => {
      if (to.value.startsWith("c")) this.#choose.conversation(to.value.slice(1));
      else this.#choose.person(online.find((p) => p.id === to.value.slice(1)));
    };
  }

  /** @param {any} c */
  #swap(c) {
    if (this.#shown) this.#drafts.set(this.#shown.id, $("text").value);
    this.#shown = c;
    $("text").value = (c && this.#drafts.get(c.id)) || "";
    note($("compose-error"), "");
    this.#fit();
  }
}
