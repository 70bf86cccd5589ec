package handlers

import (
	"slices"
	"testing"
)

func TestMessagesAreAmendedOverHTTP(t *testing.T) {
	b := newBench(t)
	const one = "/api/v1/conversations/d1/messages/7"
	for _, c := range []struct {
		method, target, body string
		status               int
		did                  string
	}{
		{"PATCH", one, `{"text":"better"}`, 200, "u-alice edits d1 7 better"},
		{"DELETE", one, "", 204, "u-alice recalls d1 7"},
		{"PUT", one + "/reactions/%F0%9F%91%8D", "", 204, "u-alice reacts d1 7 \U0001F44Dtrue"},
		{"DELETE", one + "/reactions/%F0%9F%91%8D", "", 204, "u-alice reacts d1 7 \U0001F44Dfalse"},
		{"DELETE", "/api/v1/conversations/d1/messages/0", "", 404, ""},
		{"DELETE", "/api/v1/conversations/d1/messages/x", "", 404, ""},
	} {
		b.messenger.amended = nil
		got := b.do(c.method, c.target, c.body, as("alice"))
		if got.status != c.status || c.did != "" && !slices.Equal(b.messenger.amended, []string{c.did}) {
			t.Errorf("%s %s: %d %s, did %q", c.method, c.target, got.status, got.body, b.messenger.amended)
		}
	}
}
