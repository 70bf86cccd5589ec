package handlers

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"
)

func TestOrigins(t *testing.T) {
	e := &edge{o: Options{Origins: []string{"https://chat.example", "http://localhost:5173", "capacitor://localhost"}}}
	for _, test := range []struct {
		origin, host string
		want         bool
	}{
		{"", "node:8080", true},
		{"http://node:8080", "node:8080", true},
		{"https://node:8080", "node:8080", true}, // TLS ends at a proxy
		{"HTTP://Node:8080", "node:8080", true},
		{"https://node", "node", true},
		{"https://node", "node:443", true},
		{"http://node:80", "node", true},
		{"http://node", "node:8080", false},
		{"http://node:8081", "node:8080", false},
		{"http://evil.example", "node:8080", false},
		{"http://node:8080.evil.example", "node:8080", false},
		{"http://evil.example/node:8080", "node:8080", false},
		{"ftp://node:8080", "node:8080", false},
		{"null", "node:8080", false},
		{"node:8080", "node:8080", false},
		{"://", "", false},
		{"https://chat.example", "node:8080", true},
		{"https://CHAT.example", "node:8080", true},
		{"http://chat.example", "node:8080", false},
		{"https://chat.example.evil.example", "node:8080", false},
		{"http://localhost:5173", "node:8080", true},
		{"capacitor://localhost", "node:8080", true},
	} {
		if got := e.allowed(test.origin, test.host); got != test.want {
			t.Errorf("origin %q at %q: %t", test.origin, test.host, got)
		}
	}
}

// S4.10
func TestBrowsersElsewhereUseTheAPIIfAllowed(t *testing.T) {
	b := newBench(t, func(o *Options) { o.Origins = []string{"https://chat.example"} })
	preflight := with("Access-Control-Request-Method", "POST")
	a := b.do("OPTIONS", "/api/v1/auth/login", "", with("Origin", "https://chat.example"), preflight)
	if a.status != 204 || a.header.Get("Access-Control-Allow-Origin") != "https://chat.example" ||
		!strings.Contains(a.header.Get("Access-Control-Allow-Headers"), "Authorization") ||
		!strings.Contains(a.header.Get("Access-Control-Allow-Methods"), "PUT") || a.header.Get("Access-Control-Allow-Credentials") != "" {
		t.Errorf("preflight: %d %v", a.status, a.header)
	}
	a = b.do("GET", "/api/v1/me", "", as("alice"), with("Origin", "https://chat.example"))
	if a.status != 200 || a.header.Get("Access-Control-Allow-Origin") != "https://chat.example" ||
		!strings.Contains(a.header.Get("Access-Control-Expose-Headers"), "Authorization") || !strings.Contains(a.header.Get("Vary"), "Origin") {
		t.Errorf("request: %d %v", a.status, a.header)
	}
	a = b.do("GET", "/api/v1/nothing", "", with("Origin", "https://chat.example"))
	if a.status != 404 || a.header.Get("Access-Control-Allow-Origin") != "https://chat.example" {
		t.Errorf("problem: %d %v", a.status, a.header)
	}
	for _, foreign := range []string{"https://evil.example", "null"} {
		a = b.do("OPTIONS", "/api/v1/auth/login", "", with("Origin", foreign), preflight)
		if a.status != 204 || a.header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("foreign preflight: %d %v", a.status, a.header)
		}
		a = b.do("GET", "/api/v1/me", "", as("alice"), with("Origin", foreign))
		if a.header.Get("Access-Control-Allow-Origin") != "" || !strings.Contains(a.header.Get("Vary"), "Origin") {
			t.Errorf("foreign request: %d %v", a.status, a.header)
		}
	}
	b.refused(405, "malformed", "", "OPTIONS", "/api/v1/auth/login", "")
}

func TestClientAddr(t *testing.T) {
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for _, test := range []struct {
		name, peer, realIP, forwarded, want string
	}{
		{"direct", "203.0.113.9", "", "", "203.0.113.9"},
		{"direct and lying", "203.0.113.9", "6.6.6.6", "6.6.6.6", "203.0.113.9"},
		{"proxy that says nothing", "10.0.0.1", "", "", "10.0.0.1"},
		{"X-Real-IP", "10.0.0.1", "203.0.113.9", "", "203.0.113.9"},
		{"X-Real-IP before X-Forwarded-For", "10.0.0.1", "203.0.113.9", "6.6.6.6", "203.0.113.9"},
		{"X-Real-IP that is none", "10.0.0.1", "unknown", "203.0.113.9", "203.0.113.9"},
		{"X-Forwarded-For", "10.0.0.1", "", "203.0.113.9", "203.0.113.9"},
		{"rightmost, not what the client wrote", "10.0.0.1", "", "6.6.6.6, 203.0.113.9", "203.0.113.9"},
		{"rightmost that is not a proxy", "10.0.0.1", "", "6.6.6.6, 203.0.113.9, 10.0.0.7", "203.0.113.9"},
		{"proxies only", "10.0.0.1", "", "10.0.0.9, 10.0.0.7", "10.0.0.9"},
		{"junk before a proxy", "10.0.0.1", "", "6.6.6.6, junk, 10.0.0.7", "10.0.0.7"},
		{"junk only", "10.0.0.1", "", "junk", "10.0.0.1"},
		{"empty parts", "10.0.0.1", "", ", ,", "10.0.0.1"},
		{"with a port", "10.0.0.1", "", "203.0.113.9:4711", "203.0.113.9"},
		{"IPv6", "fd00::1", "", "2001:db8::9", "2001:db8::9"},
		{"IPv6 with a port", "fd00::1", "", "[2001:db8::9]:4711", "2001:db8::9"},
		{"IPv6 in brackets", "fd00::1", "[2001:db8::9]", "", "2001:db8::9"},
		{"IPv4 as IPv6", "10.0.0.1", "::ffff:203.0.113.9", "", "203.0.113.9"},
		{"a zone", "10.0.0.1", "fe80::1%eth0", "", "fe80::1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := clientAddr(netip.MustParseAddr(test.peer), test.realIP, strings.Split(test.forwarded, "\n"), trusted)
			if got.String() != test.want {
				t.Errorf("%s, want %s", got, test.want)
			}
		})
	}
}

func TestTheLogHasTheAddressOfTheClient(t *testing.T) {
	for trusted, want := range map[string]string{"127.0.0.0/8": "addr=203.0.113.9", "10.0.0.0/8": "addr=127.0.0.1"} {
		b := newBench(t, func(o *Options) { o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix(trusted)} })
		resp := raw(t, b.serve(), "GET /api/v1/me HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 6.6.6.6\r\nX-Forwarded-For: 203.0.113.9\r\n\r\n")
		if resp.StatusCode != http.StatusUnauthorized || !strings.Contains(b.log.String(), want+"\n") {
			t.Errorf("%d, log %s; want %s", resp.StatusCode, b.log, want)
		}
	}
}
