package main_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
)

// patience is how long a page may take for anything: a browser is slow to begin
// with, and a page that was cut off comes back after a random while.
const patience = 30 * time.Second

// browsers are what Chromium is called.
var browsers = []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"}

// openBrowser starts the browser; it is closed with the test.
func openBrowser(t *testing.T) context.Context {
	t.Helper()
	var path string
	for _, name := range browsers {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		t.Fatal("no Chromium on the PATH: install it (Debian: apt-get install chromium; or: make needs)")
	}
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("lang", "en-US"), chromedp.Env("LANGUAGE=en_US", "LANG=en_US.UTF-8"))
	allocator, free := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(free)
	ctx, end := chromedp.NewContext(allocator)
	t.Cleanup(end)
	if err := chromedp.Do(ctx); err != nil { // no deadline here: it would be that of the browser
		t.Fatalf("%s does not start: %v", path, err)
	}
	return ctx
}

// page is the web client in a browser profile of its own, as somebody sees it.
type page struct {
	t    *testing.T
	s    *story
	name string
	ctx  context.Context
}

// screen is how large a page is; narrow is a telephone.
type screen struct{ width, height int64 }

var (
	wide   = screen{1100, 750}
	narrow = screen{360, 700}
)

// opens has somebody open the page of a node. Whatever goes wrong in the page's
// own code fails the test, and if the test fails there will be a picture.
func opens(t *testing.T, browser context.Context, s *story, name, node string, size screen) *page {
	t.Helper()
	ctx, end := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	p := &page{t: t, s: s, name: name, ctx: ctx}
	if err := chromedp.Do(ctx); err != nil { // no deadline here either: it would be that of the page
		t.Fatalf("no page for %s: %v", name, err)
	}
	p.do(chromedp.EmulateViewport(size.width, size.height))
	var listener sync.WaitGroup
	console := chromedp.Console(ctx)
	listener.Go(func() {
		for m, err := range console {
			if err != nil {
				return // the page is closed
			}
			// What the network refuses is told by the browser, and is often expected.
			if m.IsException() || m.Source == "security" {
				t.Errorf("%s's page says: %s (%s)", name, m, m.URL)
			}
		}
	})
	t.Cleanup(func() {
		if t.Failed() {
			p.picture()
		}
		end()
		listener.Wait()
	})
	p.do(chromedp.Navigate(s.Node(node).URL() + "/"))
	return p
}

// speaks sets the language of the browser, and loads the page again.
func (p *page) speaks(language string) {
	p.t.Helper()
	p.do(chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		agent, err := chromedp.Run(ctx, chromedp.Evaluate[string]("navigator.userAgent"))
		if err == nil {
			_, err = chromedp.Call(ctx, emulation.SetUserAgentOverride, emulation.SetUserAgentOverrideParams{UserAgent: agent, AcceptLanguage: language})
		}
		return err
	}), chromedp.Reload())
}

// do acts on the page, and fails at the story's line.
func (p *page) do(actions ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		p.t.Fatalf("%s's page: %v", p.name, err)
	}
}

// runs evaluates an expression in the page.
func runs[T any](p *page, expression string) T {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		p.t.Fatalf("%s's page: %s: %v", p.name, expression, err)
	}
	return v
}

// waits until an expression is true, looking whenever the page changes.
// chromedp's own Poll makes its predicate of a string in the page, which the
// page's Content-Security-Policy forbids.
func (p *page) waits(expression string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	_, err := chromedp.Run(ctx, chromedp.Evaluate[bool](fmt.Sprintf(`new Promise((done) => {
		const look = () => { if (%s) { watch.disconnect(); done(true); } };
		const watch = new MutationObserver(look);
		watch.observe(document, { subtree: true, childList: true, characterData: true, attributes: true });
		look();
	})`, expression), chromedp.EvalAwaitPromise))
	if err != nil {
		p.t.Fatalf("%s waits in vain until %s: %v\nthe page says:\n%s", p.name, expression, err, p.text())
	}
}

// text is what the page says.
func (p *page) text() string {
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string]("document.body.innerText"))
	if err != nil {
		return err.Error()
	}
	return text
}

// picture keeps what the page looks like, beyond the end of the test.
func (p *page) picture() {
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		p.t.Logf("no picture of %s's page: %v", p.name, err)
		return
	}
	dir, err := os.MkdirTemp("", "tieline-picture-")
	if err == nil {
		path := filepath.Join(dir, p.name+".png")
		err = os.WriteFile(path, png, 0o600)
		p.t.Logf("%s's page looked like this: %s", p.name, path)
	}
	if err != nil {
		p.t.Logf("the picture of %s's page cannot be kept: %v", p.name, err)
	}
}

// enter presses the key as a keyboard does: with its character, so that a page
// that takes the key itself gets no line break. SendKeys sends them apart.
var enter = chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
	key := input.DispatchKeyEventParams{Type: input.DispatchKeyEventTypeKeyDown, Key: "Enter", Code: "Enter", Text: "\r", WindowsVirtualKeyCode: 13}
	if _, err := chromedp.Call(ctx, input.DispatchKeyEvent, key); err != nil {
		return err
	}
	key.Type, key.Text = input.DispatchKeyEventTypeKeyUp, ""
	_, err := chromedp.Call(ctx, input.DispatchKeyEvent, key)
	return err
})

// quoted is a string as JavaScript writes it.
func quoted(s string) string {
	text, _ := json.Marshal(s)
	return string(text)
}
