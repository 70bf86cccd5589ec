import { sayEnded, sayError, sayField, t } from "../words.js";
import { $, note } from "./dom.js";

/** The page in front: signing in and signing up. */
export class Door {
  #tieline;
  #entered;
  #mode = "in";
  #busy = false;
  #asked = false; // the server has asked for an invitation

  /** @param {import("../tieline.js").Tieline} tieline @param {() => void} entered */
  constructor(tieline, entered) {
    this.#tieline = tieline;
    this.#entered = entered;
    $("door-form").addEventListener("submit", (/** @type {Event} */ e) => {
      e.preventDefault();
      this.#submit();
    });
  }

  /** @param {"in"|"up"} mode */
  show(mode) {
    this.#mode = mode;
    const up = mode === "up";
    this.#fields();
    $("door-title").textContent = t(up ? "signUpTitle" : "signInTitle");
    $("door-submit").textContent = t(up ? "signUp" : "signIn");
    $("door-other").textContent = t(up ? "toSignIn" : "toSignUp");
    $("door-other").href = up ? "#/sign-in" : "#/sign-up";
    $("password").autocomplete = up ? "new-password" : "current-password";
    this.#clear();
    $("door").hidden = false;
    $(up ? "username" : "login").focus();
  }

  #fields() {
    for (const n of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("#door [data-for]"))) {
      n.hidden = n.dataset.for !== this.#mode || ("asked" in n.dataset && !this.#asked);
    }
  }

  hide() {
    $("door").hidden = true;
    note($("door-notice"), "");
    $("door-form").reset();
  }

  /** Tells why one is here (again). @param {{code: string, reason?: string}|null} why */
  explain(why) {
    note($("door-notice"), why ? sayEnded(why) : "");
  }

  #clear() {
    note($("door-error"), "");
    for (const n of document.querySelectorAll("#door .field-error")) n.remove();
    for (const n of document.querySelectorAll("#door [aria-invalid]")) n.removeAttribute("aria-invalid");
  }

  async #submit() {
    if (this.#busy) return;
    this.#clear();
    const form = /** @type {any} */ (Object.fromEntries(new FormData($("door-form"))));
    const needed = this.#mode === "up" ? ["username", "password"] : ["login", "password"];
    const missing = needed.filter((name) => !form[name].trim()).map((field) => ({ field, code: "required" }));
    if (missing.length) return this.#blame(missing);
    note($("door-notice"), "");
    this.#busy = true;
    $("door-submit").disabled = true;
    try {
      if (this.#mode === "up") await this.#tieline.signUp(filled(form, ["username", "password", "nickname", "email", "phone", "invite_code"]));
      else await this.#tieline.signIn(form.login.trim(), form.password);
      this.#entered();
    } catch (/** @type {any} */ e) {
      this.#refused(e);
    } finally {
      this.#busy = false;
      $("door-submit").disabled = false;
    }
  }

  /** @param {any} e a TielineError */
  #refused(e) {
    const fields = (e.errors ?? []).map((/** @type {any} */ c) => c.field);
    const invited = e.code === "code_invalid" && (!fields.length || fields.includes("invite_code"));
    if (this.#mode !== "up" || !(invited || fields.includes("invite_code"))) {
      note($("door-error"), sayError(e));
      return this.#blame(e.errors ?? []);
    }
    const first = !this.#asked;
    this.#asked = true;
    this.#fields();
    note($("door-error"), t(first ? "inviteNeeded" : "error.code_invalid"));
    this.#blame(fields.length ? e.errors : []);
    if (first || !fields.length) $("invite_code").focus();
  }

  /** Puts each complaint under its field. @param {{field: string, code: string, detail?: string}[]} complaints */
  #blame(complaints) {
    let first = null;
    for (const c of complaints) {
      const input = $("door-form").elements[c.field];
      if (!input || input.closest("[hidden]")) continue;
      const p = document.createElement("p");
      p.className = "field-error";
      p.id = `${c.field}-error`;
      p.textContent = sayField(c);
      input.after(p);
      input.setAttribute("aria-invalid", "true");
      input.setAttribute("aria-describedby", p.id);
      first ??= input;
    }
    first?.focus();
  }
}

/** Those of the fields that were filled in. @param {any} form @param {string[]} names @returns {any} */
function filled(form, names) {
  return Object.fromEntries(names.map((n) => [n, n === "password" ? form[n] : form[n].trim()]).filter(([, v]) => v));
}
