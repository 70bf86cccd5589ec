package main_test

import (
	"context"
	"testing"

	"github.com/chromedp/chromedp"
)

// The page of documents by hand: with a token that was pasted into the console,
// a call of the API is tried, and its answer is in the page; nothing breaks the
// page's policy, and no token is kept.
func triesTheAPI(t *testing.T, browser context.Context) {
	s := newStory(t, nodes(1))
	alice := s.User("alice")
	p := opens(t, browser, s, "alice", "n1", wide)
	p.do(chromedp.Navigate(s.Node("n1").URL() + "/docs"))
	p.waits(`document.querySelector("#operations-tag-me") !== null`)
	p.waits(`document.querySelector("[id='token_expired']").textContent.includes("token")`)

	p.clicks(".swagger-ui .btn.authorize")
	p.do(chromedp.SendKeys(chromedp.CSS(".swagger-ui .auth-container input"), alice.grant.AccessToken))
	p.clicks(".swagger-ui .auth-btn-wrapper .authorize")
	p.clicks(".swagger-ui .auth-btn-wrapper .btn-done")

	p.clicks("#operations-tag-me")
	p.clicks("#operations-me-me .opblock-summary-control")
	p.clicks("#operations-me-me .try-out__btn")
	p.clicks("#operations-me-me .execute")
	p.waits(`document.querySelector("#operations-me-me .live-responses-table tbody .response-col_status")?.textContent.startsWith("200")`)
	p.waits(`document.querySelector("#operations-me-me .live-responses-table tbody .response-col_description").textContent.includes(` + quoted(string(alice.ID)) + `)`)

	if kept := runs[int](p, `localStorage.length + sessionStorage.length`); kept != 0 {
		t.Errorf("the page keeps %d things in the browser", kept)
	}
	if from := runs[int](p, `performance.getEntriesByType("resource").filter((e) => !e.name.startsWith(location.origin) && !e.name.startsWith("data:")).length`); from != 0 {
		t.Errorf("the page loads %d things from elsewhere", from)
	}
	p.do(chromedp.Navigate(s.Node("n1").URL()+"/docs"), chromedp.Reload())
	p.waits(`document.querySelector(".swagger-ui .btn.authorize.unlocked") !== null`)
}
