package main_test

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/chromedp/chromedp"
)

// What somebody does with the page, and sees there.

// password of everybody who signs up by the page.
const pagePassword = "correct horse battery"

// fills writes into a field in place of what is there.
func (p *page) fills(field, text string) {
	p.t.Helper()
	p.do(chromedp.Clear(chromedp.CSS(field)), chromedp.SendKeys(chromedp.CSS(field), text))
}

// clicks presses a button, once it is there.
func (p *page) clicks(button string) { p.t.Helper(); p.do(chromedp.Click(chromedp.CSS(button))) }

// signsUp creates an account under the page's name.
func (p *page) signsUp() {
	p.t.Helper()
	p.clicks("#door-other")
	p.waits(`!document.querySelector("[data-for=up]").hidden`)
	p.fills("#username", p.name)
	p.entersWithPassword()
	p.isConnected()
}

// signsIn signs in under the page's name.
func (p *page) signsIn() {
	p.t.Helper()
	p.fills("#login", p.name)
	p.entersWithPassword()
	p.isConnected()
}

func (p *page) entersWithPassword() {
	p.t.Helper()
	p.s.keepSecret(pagePassword)
	p.fills("#password", pagePassword)
	p.do(enter)
}

// isConnected waits for the chat page with nothing to complain about.
func (p *page) isConnected() {
	p.t.Helper()
	p.waits(`!document.getElementById("chat").hidden && document.getElementById("bar").hidden`)
	p.s.keepSecret(p.kept("access_token"), p.kept("refresh_token"))
}

// kept is a part of the session that the browser keeps.
func (p *page) kept(part string) string {
	p.t.Helper()
	return runs[string](p, fmt.Sprintf(`JSON.parse(localStorage.getItem("tieline.session"))?.[%s] ?? ""`, quoted(part)))
}

// isCutOff waits for the bar that says so.
func (p *page) isCutOff() { p.t.Helper(); p.waits(`!document.getElementById("bar").hidden`) }

// isAtTheDoor waits for the sign-in page, and for a notice on it if one is given.
func (p *page) isAtTheDoor(notice string) {
	p.t.Helper()
	p.waits(fmt.Sprintf(`!document.getElementById("door").hidden && location.hash === "#/sign-in" &&
		document.getElementById("door-notice").textContent.includes(%s)`, quoted(notice)))
}

// seesSomebody waits until somebody is in the list of those online.
func (p *page) seesSomebody(name string) { p.t.Helper(); p.waits(hasRow("online", name)) }

// hasRow is whether one of the page's lists has a row of this name.
func hasRow(list, name string) string {
	return fmt.Sprintf(`[...document.querySelectorAll("#%s .row-name")].some((n) => n.textContent === %s)`, list, quoted(name))
}

// chooses picks in the select box to whom one writes.
func (p *page) chooses(name string) { p.t.Helper(); p.picks("to", name); p.isIn(name) }

// picks an option of a select box by its label.
func (p *page) picks(box, label string) {
	p.t.Helper()
	options := fmt.Sprintf(`[...document.getElementById(%s).options].filter((o) => o.label === %s)`, quoted(box), quoted(label))
	p.waits(options + ".length > 0")
	runs[bool](p, fmt.Sprintf(`(() => {
		const [option] = %s;
		option.selected = true;
		return option.parentNode.dispatchEvent(new Event("change", { bubbles: true }));
	})()`, options))
}

// turnsTo clicks a conversation in the list.
func (p *page) turnsTo(name string) {
	p.t.Helper()
	p.waits(hasRow("conversations", name))
	runs[bool](p, fmt.Sprintf(`([...document.querySelectorAll("#conversations .row")].find((n) =>
		n.querySelector(".row-name").textContent === %s).click(), true)`, quoted(name)))
	p.isIn(name)
}

func (p *page) isIn(name string) {
	p.t.Helper()
	p.waits(fmt.Sprintf(`document.getElementById("talk-name").textContent === %s`, quoted(name)))
}

// says writes a message and sends it.
func (p *page) says(text string) {
	p.t.Helper()
	p.writes(text)
	p.sends(text)
}

// sends presses Enter, which sends what has been written; it does not wait until
// that is kept.
func (p *page) sends(text string) {
	p.t.Helper()
	p.do(enter)
	p.sees(text)
}

// writes begins a message, or goes on with it.
func (p *page) writes(text string) {
	p.t.Helper()
	p.do(chromedp.SendKeys(chromedp.CSS("#text"), text))
}

// messagesOf are the messages shown that say a text.
func messagesOf(text string) string {
	return fmt.Sprintf(`[...document.querySelectorAll("#messages .message")].filter((n) => n.querySelector(".words").textContent === %s)`, quoted(text))
}

// sees waits until a message is shown.
func (p *page) sees(text string) { p.t.Helper(); p.waits(messagesOf(text) + ".length > 0") }

// seesState waits until one's own message has come to one of these states:
// sending, kept, read, failed.
func (p *page) seesState(text string, states ...string) {
	p.t.Helper()
	oneOf, _ := json.Marshal(states)
	p.waits(fmt.Sprintf(`%[1]s.length > 0 && %[1]s.every((n) => %[2]s.includes(n.dataset.state))`, messagesOf(text), oneOf))
}

// seesKept waits until the server has kept one's own message.
func (p *page) seesKept(text string) { p.t.Helper(); p.seesState(text, "kept", "read") }

// seeTheSame expects these texts, and no others, to be shown to everybody: each
// once, and in one order.
func seeTheSame(texts []string, pages ...*page) {
	pages[0].t.Helper()
	var order []string
	for _, p := range pages {
		shown := runs[[]string](p, `[...document.querySelectorAll("#messages .message .words")].map((n) => n.textContent)`)
		if !slices.Equal(slices.Sorted(slices.Values(shown)), slices.Sorted(slices.Values(texts))) {
			p.t.Fatalf("%s sees %q, want each of %q once", p.name, shown, texts)
		}
		if order == nil {
			order = shown
		}
		if !slices.Equal(shown, order) {
			p.t.Fatalf("%s sees %q, %s sees %q", p.name, shown, pages[0].name, order)
		}
	}
}
