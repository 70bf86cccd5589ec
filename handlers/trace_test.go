package handlers

import "testing"

func TestTraceIsForAdministrators(t *testing.T) {
	b := newBench(t)
	const way = "/api/v1/admin/messages/d-1/7/trace"
	b.want(200, `{"conversation":"d-1","seq":7,"sender":"u-alice","committed_at":"1970-01-01T00:00:00.001Z",
		"recipients":[{"user":"u-bob","state":"queued","online":false,"devices_without":["d-1","d-2"]}],
		"events":[{"at":"1970-01-01T00:00:00.002Z","node":"n1","stage":"queued","user":"u-bob","detail":"12"}],
		"silent_nodes":[]}`, "GET", way, "", as("alice"))
	b.refused(403, "forbidden", "", "GET", way, "", as("bob"))
	b.refused(404, "not_found", "", "GET", "/api/v1/admin/messages/d-1/8/trace", "", as("alice"))
	b.refused(404, "not_found", "", "GET", "/api/v1/admin/messages/d-1/x/trace", "", as("alice"))
}
