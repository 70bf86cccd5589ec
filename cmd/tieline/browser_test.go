package main_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/golang-jwt/jwt/v5"

	"github.com/tieline/tieline/pkg/chat"
)

// The web client in a real browser, one for all of these.
func TestThePage(t *testing.T) {
	t.Parallel()
	sourceFiles(t, ".js") // looked at for the cache of test results, which cannot know what the program is built of
	browser := openBrowser(t)
	t.Run("two people on two nodes", func(t *testing.T) { twoPeopleTalk(t, browser) })
	t.Run("the door", func(t *testing.T) { comesAndGoes(t, browser) })
	t.Run("the documents", func(t *testing.T) { triesTheAPI(t, browser) })
}

// S1.4, S1.5, S2.8 and promise 1, by the page: two people, each on a node of
// their own, talk on over the loss of either node and of all that Redis had.
func twoPeopleTalk(t *testing.T, browser context.Context) {
	s := newStory(t, policy(chat.Single))
	alice, bob := opens(t, browser, s, "alice", "n1", wide), opens(t, browser, s, "bob", "n2", narrow)
	alice.signsUp()
	alice.waits(`document.getElementById("say").textContent === "Welcome, alice!"`)
	bob.signsUp()
	alice.seesSomebody("bob")

	bob.turnsTo("Lobby")
	alice.says("good morning 漢字 😀")
	bob.sees("good morning 漢字 😀")
	bob.says("same to you")
	alice.sees("same to you")
	seeTheSame([]string{"good morning 漢字 😀", "same to you"}, alice, bob)

	alice.chooses("bob")
	alice.says("only for you")
	bob.clicks("#back")
	bob.turnsTo("alice")
	bob.sees("only for you")
	alice.seesState("only for you", "read")
	bob.writes("and for")
	alice.waits(`document.getElementById("talk-info").textContent === "typing…"`)
	bob.writes(" you")
	bob.sends("and for you")
	alice.sees("and for you")

	said := []string{"only for you", "and for you"}
	for _, loses := range []func(alice, bob *page) []string{losesItsNode, isClosedWhileItWrites, losesRedis} {
		said = append(said, loses(alice, bob)...)
		seeTheSame(said, alice, bob)
	}
	displaces(browser, alice, bob, said)
}

// losesItsNode kills alice's node with a message on its way, while she writes
// another, and returns what was said.
func losesItsNode(alice, bob *page) []string {
	alice.t.Helper()
	alice.says("on its way")
	alice.s.Node("n1").Kill()
	alice.writes("half a ")
	alice.isCutOff()
	alice.writes("sentence")
	alice.sends("half a sentence")
	alice.seesState("half a sentence", "sending")
	bob.says("are you there?")
	alice.s.Node("n1").Start()
	alice.isConnected()
	bob.sees("half a sentence")
	alice.sees("are you there?")
	alice.seesKept("half a sentence")
	return []string{"on its way", "half a sentence", "are you there?"}
}

// isClosedWhileItWrites kills bob's node, and closes his page with a message
// that has gone nowhere.
func isClosedWhileItWrites(alice, bob *page) []string {
	alice.t.Helper()
	n2 := bob.s.Node("n2")
	n2.Kill()
	bob.isCutOff()
	bob.says("kept in the browser")
	bob.do(chromedp.Navigate("about:blank"))
	alice.says("come back")
	alice.seesKept("come back")
	n2.Start()
	bob.do(chromedp.Navigate(n2.URL()))
	bob.turnsTo("alice")
	alice.sees("kept in the browser")
	bob.sees("come back")
	bob.seesKept("kept in the browser")
	return []string{"kept in the browser", "come back"}
}

// losesRedis empties it between the two, and returns what was said after.
func losesRedis(alice, bob *page) []string {
	alice.t.Helper()
	alice.s.Redis.RedisServer.Flush()
	alice.says("after the flood")
	bob.sees("after the flood")
	bob.says("still here")
	alice.sees("still here")
	bob.seesKept("still here")
	return []string{"after the flood", "still here"}
}

// displaces signs alice in on a telephone: the page is told why it is over, and
// the telephone goes on with what was said.
func displaces(browser context.Context, alice, bob *page, said []string) {
	alice.t.Helper()
	phone := opens(alice.t, browser, alice.s, "alice", "n2", narrow)
	phone.signsIn()
	alice.isAtTheDoor("your account signed in on another device")
	phone.turnsTo("bob")
	phone.sees("still here")
	seeTheSame(said, phone, bob)
	bob.says("to the telephone")
	phone.sees("to the telephone")
	alice.do(chromedp.Reload())
	alice.isAtTheDoor("")
}

// S1.1, S1.3, S1.6, S1.7, S2.9, S3.5, by the page: who may enter, and why no longer.
func comesAndGoes(t *testing.T, browser context.Context) {
	s := newStory(t, nodes(1), setting("TIELINE_REGISTRATION", "invite"))
	code := strings.TrimSpace(s.Tieline("", "code", "create", "--kind", "invite"))
	alice := opens(t, browser, s, "alice", "n1", wide)
	alice.do(chromedp.Navigate(s.Node("n1").URL() + "/#/chat/lobby"))
	alice.isAtTheDoor("")

	isInvited(alice, code)
	alice.picks("theme", "Dark")
	alice.do(chromedp.Reload())
	alice.isConnected()
	alice.waits(`document.documentElement.dataset.theme === "dark"`)
	alice.do(chromedp.SendKeys(chromedp.CSS("#text"), "  "), enter)
	alice.waits(`document.getElementById("compose-error").textContent === "A message cannot be empty."`)
	alice.clicks("#sign-out")
	alice.isAtTheDoor("")
	if kept := alice.kept("access_token"); kept != "" {
		t.Error("who has signed out has left a token behind")
	}

	alice.speaks("zh-CN")
	alice.signsIn()
	alice.presents("no token at all", alice.kept("refresh_token"))
	alice.isAtTheDoor("Token 令牌不合法!")
	alice.signsIn()
	expired := jwt.MapClaims{"sub": alice.userID(), "device": alice.kept("device_id"), "exp": time.Now().Add(-time.Hour).Unix()}
	alice.presents(s.minted(expired), "used up")
	alice.isAtTheDoor("登录过期! 请重新登录...")
}

// isInvited signs up where a code is needed: the page asks for it.
func isInvited(p *page, code string) {
	p.t.Helper()
	p.clicks("#door-other")
	p.fills("#username", p.name)
	p.entersWithPassword()
	p.waits(`!document.getElementById("invite_code").closest("[data-asked]").hidden`)
	p.fills("#invite_code", code)
	p.do(enter)
	p.isConnected()
}

// presents puts other tokens where the browser keeps its own, and loads the page.
func (p *page) presents(access, refresh string) {
	p.t.Helper()
	runs[bool](p, fmt.Sprintf(`(() => {
		const session = { ...JSON.parse(localStorage.getItem("tieline.session")), access_token: %s, refresh_token: %s };
		localStorage.setItem("tieline.session", JSON.stringify(session));
		return true;
	})()`, quoted(access), quoted(refresh)))
	p.do(chromedp.Reload())
}

func (p *page) userID() string {
	p.t.Helper()
	return runs[string](p, `JSON.parse(localStorage.getItem("tieline.session")).user.id`)
}
