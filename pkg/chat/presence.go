package chat

import "time"

// Presence is what others may know of where a person is. It is always derived
// from live leases and sessions, never stored.
type Presence struct {
	Online   bool
	Devices  []Platform // of the open sockets, sorted, each once
	LastSeen time.Time  // of somebody offline; zero: never seen
}
