package chat

import "time"

// Platform is the class of a device.
type Platform string

// The platforms a client may name.
const (
	Web     Platform = "web"
	IOS     Platform = "ios"
	Android Platform = "android"
	Desktop Platform = "desktop"
)

// Valid reports whether a client may name this platform.
func (p Platform) Valid() bool {
	return p == Web || p == IOS || p == Android || p == Desktop
}

// Policy says how many devices of one person may be signed in at once.
type Policy string

// The policies; see TIELINE_SESSIONS.
const (
	Multi       Policy = "multi"        // up to a number, the oldest is displaced
	PerPlatform Policy = "per_platform" // one a platform
	Single      Policy = "single"       // one
)

// Reason tells a person why a device was signed out.
type Reason string

// The reasons a session ends; they cross the wire in "kicked" and in
// session_ended.
const (
	SignedInElsewhere Reason = "signed_in_elsewhere"
	Replaced          Reason = "replaced"
	SignedOut         Reason = "signed_out"
	DeviceRemoved     Reason = "device_removed"
	PasswordChanged   Reason = "password_changed"
	Disabled          Reason = "disabled"
	ByAdmin           Reason = "by_admin"
	AccountRemoved    Reason = "account_removed" // never sent as "kicked": such tokens are unauthorized
)

// Device is one place a person is, or was, signed in at.
type Device struct {
	ID       DeviceID
	User     UserID
	Platform Platform
	Name     string
	// Login is the place of the device's latest sign-in among all sign-ins of
	// its user. It decides who displaces whom, whoever connects first.
	Login     int64
	LobbySeq  int64 // the lobby's newest message when it signed in for the first time
	CreatedAt time.Time
	LastSeen  time.Time
	EndedAt   time.Time // zero while signed in
	EndReason Reason
}

// Identity is who a valid access token speaks for.
type Identity struct {
	User   UserID
	Device DeviceID
	Login  int64 // 0 when the token does not say which sign-in it came from
	Admin  bool
}

// Session is a device held by one socket of one node.
type Session struct {
	ID       SessionID
	User     UserID
	Device   DeviceID
	Node     NodeID
	Platform Platform
}

// DeviceState is what decides whether an access token still speaks for a device.
type DeviceState struct {
	Login int64  // of the latest sign-in
	Ended Reason // not empty: signed out, and why
}
