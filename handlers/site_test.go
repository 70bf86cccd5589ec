package handlers

import (
	"regexp"
	"strings"
	"testing"

	"github.com/tieline/tieline/handlers/web"
	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/wire"
)

func TestEveryFileOfTheClientIsServed(t *testing.T) {
	b := newBench(t)
	files := web.Files()
	for _, f := range files {
		a := b.do("GET", f.Path, "")
		h := a.header
		if a.status != 200 || string(a.body) != string(f.Body) || h.Get("Content-Type") != f.Type {
			t.Errorf("%s: %d %s, %d bytes", f.Path, a.status, h.Get("Content-Type"), len(a.body))
		}
		if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Content-Security-Policy") != web.Policy || h.Get("Cache-Control") != "no-cache" {
			t.Errorf("%s: %v", f.Path, h)
		}
		if a := b.do("GET", f.Path, "", with("If-None-Match", `"other", W/`+f.ETag)); a.status != 304 || len(a.body) > 0 {
			t.Errorf("%s again: %d, %d bytes", f.Path, a.status, len(a.body))
		}
		if a := b.do("GET", f.Path, "", with("If-None-Match", `"other"`)); a.status != 200 {
			t.Errorf("%s changed: %d", f.Path, a.status)
		}
		if f.Type == "application/octet-stream" {
			t.Errorf("%s: no media type for this extension", f.Path)
		}
	}
	if len(files) == 0 || !strings.HasPrefix(b.do("GET", "/", "").header.Get("Content-Type"), "text/html") {
		t.Error("there is no page at /")
	}
	if a := b.do("HEAD", "/", ""); a.status != 200 || len(a.body) > 0 {
		t.Errorf("HEAD: %d, %d bytes", a.status, len(a.body))
	}
}

// inline is what the policy forbids and a page would silently lose.
var inline = regexp.MustCompile(`(?i)<script[^>]*>\s*[^<\s]|<style|\sstyle=|\son[a-z]+=|javascript:|(?:src|href)="(?:https?:)?//`)

func TestPagesKeepToTheirPolicy(t *testing.T) {
	for _, f := range web.Files() {
		if strings.HasPrefix(f.Type, "text/html") {
			if found := inline.Find(f.Body); found != nil {
				t.Errorf("%s has %q, which its policy does not allow", f.Path, found)
			}
		}
	}
	for page, wrong := range map[string]bool{
		`<script type="module" src="/a.js"></script><p class="x">`: false,
		`<script>alert(1)</script>`:                                true,
		`<script src="//cdn.example/x.js"></script>`:               true,
		`<p onclick="x()">`:                                        true,
	} {
		if inline.MatchString(page) != wrong {
			t.Errorf("%s: %t", page, !wrong)
		}
	}
}

func TestDocsShowBothDocumentsAndEveryCode(t *testing.T) {
	b := newBench(t)
	a := b.do("GET", "/docs", "")
	page := string(a.body)
	for k := range statuses {
		if !strings.Contains(page, `id="`+string(k)+`"`) {
			t.Errorf("no code %s", k)
		}
	}
	for _, want := range []string{
		"openapi: 3.1.0", "asyncapi: 3.0.0", `id="openapi.yaml-/api/v1/auth/login"`, `id="asyncapi.yaml-send"`, "token 已过期! 请重新获取令牌",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("no %s", want)
		}
	}
	if found := inline.FindString(page); found != "" {
		t.Errorf("the page has %q, which its policy does not allow", found)
	}
	if policy := a.header.Get("Content-Security-Policy"); strings.Contains(policy, "unsafe") || !strings.Contains(policy, "script-src 'self'") {
		t.Errorf("the policy is %q", policy)
	}
}

// What the page of documents is made of comes from here, packed for those who
// can unpack it.
func TestTheConsoleIsServed(t *testing.T) {
	b := newBench(t)
	page := string(b.do("GET", "/docs", "").body)
	files := regexp.MustCompile(`(?:src|href)="(/docs/[^"]+)"`).FindAllStringSubmatch(page, -1)
	if len(files) != 4 {
		t.Fatalf("the page has %v", files)
	}
	for _, f := range files {
		plain, packed := b.do("GET", f[1], ""), b.do("GET", f[1], "", with("Accept-Encoding", "br, gzip"))
		if plain.status != 200 || len(plain.body) < len(packed.body) || strings.Contains(string(plain.body), "sourceMappingURL=http") {
			t.Errorf("%s: %d, %d bytes, %d packed", f[1], plain.status, len(plain.body), len(packed.body))
		}
		if packed.header.Get("Content-Encoding") == "gzip" && !strings.Contains(packed.header.Get("Vary"), "Accept-Encoding") {
			t.Errorf("%s: %v", f[1], packed.header)
		}
		if a := b.do("GET", f[1], "", with("If-None-Match", plain.header.Get("ETag"))); a.status != 304 {
			t.Errorf("%s again: %d", f[1], a.status)
		}
	}
	for _, name := range []string{"nothing", "docs.html", "swagger-ui.js", "%2e%2e%2fapp.go"} {
		b.refused(404, "not_found", "", "GET", "/docs/"+name, "")
	}
}

func TestDocumentsAreServedAsTheyAre(t *testing.T) {
	b := newBench(t)
	for path, want := range map[string][]byte{"/openapi.yaml": OpenAPI, "/asyncapi.yaml": wire.AsyncAPI} {
		a := b.do("GET", path, "")
		if a.status != 200 || string(a.body) != string(want) || !strings.HasPrefix(a.header.Get("Content-Type"), "application/yaml") {
			t.Errorf("%s: %d %s, %d bytes", path, a.status, a.header.Get("Content-Type"), len(a.body))
		}
	}
}

func TestProblemTypesLeadToTheDocs(t *testing.T) {
	p := newBench(t).refused(401, "unauthorized", "", "GET", "/api/v1/me", "")
	if p.Type != "/docs#"+string(chat.Unauthorized) {
		t.Errorf("type %q", p.Type)
	}
}
