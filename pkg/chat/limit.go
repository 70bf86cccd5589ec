package chat

// Operation is something that people may do only so often a second.
type Operation string

// The limited operations; see TIELINE_LIMIT_SENDS and its siblings.
const (
	Sends    Operation = "sends"    // messages, of a user
	Signals  Operation = "signals"  // signals and typing notices, of a user
	Requests Operation = "requests" // everything else that costs something, of a user
	Connects Operation = "connects" // sockets, from an address
	Logins   Operation = "logins"   // log-ins, sign-ups and codes, from an address; VIP codes, of a user
	Failures Operation = "failures" // wrong passwords for a name; limited wherever Logins is
)
