import { t } from "../words.js";
import { h, match, setText } from "./dom.js";
import { gist, nameOf, paintAvatar, titleOf, whenOf } from "./names.js";

/** A row that is a button: avatar, name and mark on one line, something small on the next. @param {() => void} onclick */
function row(onclick) {
  const button = h(
    "button.row",
    { type: "button", onclick },
    h("span.avatar", { "aria-hidden": "true" }),
    h("span.row-main", {}, h("span.row-name"), h("span.row-sub.quiet")),
    h("span.row-side", {}, h("time.quiet"), h("span.badge", { hidden: true })),
  );
  return h("li", {}, button);
}

/** @param {HTMLElement} n @param {string} selector @returns {any} */
const part = (n, selector) => n.querySelector(selector);

/** The list of conversations. @param {Element} list @param {import("./model.js").Model} model @param {(id: string) => void} choose */
export function showConversations(list, model, choose) {
  match(list, model.list, (c) => c.id, (c) => row(() => choose(c.id)), (n, c) => {
    const title = titleOf(c);
    paintAvatar(part(n, ".avatar"), title, c.peer?.id ?? c.id, c.peer?.avatar_url);
    part(n, ".avatar").classList.toggle("live", !!c.peer && !!model.presence[c.peer.id]);
    setText(part(n, ".row-name"), title);
    const mine = c.last?.from?.id === model.me.id;
    const who = !c.last || c.last.kind === "system" || (c.kind === "direct" && !mine) ? "" : `${mine ? t("you") : nameOf(c.last.from)}: `;
    setText(part(n, ".row-sub"), c.peer && model.typing.in(c.id) ? t("isTyping") : who + gist(c.last));
    setText(part(n, "time"), c.last ? whenOf(c.last.at) : "");
    const badge = part(n, ".badge");
    badge.hidden = !c.unread;
    setText(badge, c.unread > 99 ? "99+" : String(c.unread));
    if (c.unread) badge.setAttribute("aria-label", t("unread", { n: c.unread }));
    if (c === model.selected) part(n, "button").setAttribute("aria-current", "true");
    else part(n, "button").removeAttribute("aria-current");
  });
}

/** People, each of whom can be written to. @param {Element} list @param {any[]} people @param {Record<string, boolean>} presence @param {(person: any) => void} choose */
export function showPeople(list, people, presence, choose) {
  match(list, people, (p) => p.id, (p) => row(() => choose(p)), (n, p) => {
    paintAvatar(part(n, ".avatar"), nameOf(p), p.id, p.avatar_url);
    part(n, ".avatar").classList.toggle("live", !!presence[p.id]);
    setText(part(n, ".row-name"), nameOf(p));
    setText(part(n, ".row-sub"), p.username ? `@${p.username}` : "");
  });
}
