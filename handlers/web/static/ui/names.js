import { language, t } from "../words.js";
import { h } from "./dom.js";

/** What to call somebody. @param {any} person */
export const nameOf = (person) => person?.nickname || person?.username || (person?.id ? t("deletedUser") : "");

/** What to call a conversation. @param {any} c */
export function titleOf(c) {
  if (c.kind === "direct") return nameOf(c.peer) || "…";
  return c.id === "lobby" ? t("lobby") : c.room?.name || c.id;
}

/**
 * Shows somebody's picture, or, without one, their first letter on a colour of their own.
 * @param {HTMLElement} n @param {string} name @param {string} id @param {string} [url] of the picture
 */
export function paintAvatar(n, name, id, url = "") {
  const letter = [...name][0]?.toUpperCase() ?? "?";
  if (n.dataset.shows !== letter + url) {
    n.dataset.shows = letter + url;
    const img = url ? h("img", { src: url, alt: "" }) : "";
    if (img) img.onerror = () => img.remove(); // there is another one by now, and the letter until then
    n.replaceChildren(letter, img);
  }
  let hue = 0;
  for (const c of id) hue = (hue * 31 + (c.codePointAt(0) ?? 0)) % 360;
  n.style.setProperty("--hue", String(hue));
}

const clock = new Intl.DateTimeFormat(navigator.language, { hour: "2-digit", minute: "2-digit" });
const day = new Intl.DateTimeFormat(navigator.language, { weekday: "long", year: "numeric", month: "long", day: "numeric" });
const short = new Intl.DateTimeFormat(navigator.language, { month: "short", day: "numeric" });

/** @param {string} at RFC 3339 */
export const timeOf = (at) => clock.format(new Date(at));

/** @param {string} at @returns {string} the day's name, the same for the same day */
export function dayOf(at) {
  const date = new Date(at).toDateString();
  const now = new Date();
  if (date === now.toDateString()) return t("today");
  now.setDate(now.getDate() - 1);
  return date === now.toDateString() ? t("yesterday") : day.format(new Date(at));
}

/** The time for today, the date for any other day. @param {string} at */
export const whenOf = (at) => (new Date(at).toDateString() === new Date().toDateString() ? timeOf(at) : short.format(new Date(at)));

/** The first line of what a message says. @param {any} m */
export function gist(m) {
  if (!m) return t("nothingYet");
  if (m.recalled) return t("recalled");
  return m.text?.trim().split("\n")[0] || t("attachment");
}

/** What this device is called in the list of devices, such as "Firefox, Linux". */
export function deviceName() {
  const agent = navigator.userAgent;
  const browser = [["Edg/", "Edge"], ["Firefox/", "Firefox"], ["Chrome/", "Chrome"], ["Safari/", "Safari"]].find(([mark]) => agent.includes(mark));
  const system = [["Android", "Android"], ["iPhone", "iPhone"], ["iPad", "iPad"], ["Windows", "Windows"], ["Mac OS", "macOS"], ["Linux", "Linux"]].find(
    ([mark]) => agent.includes(mark),
  );
  return [browser?.[1], system?.[1]].filter(Boolean).join(language === "zh" ? "," : ", ");
}
