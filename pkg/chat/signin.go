package chat

import "time"

// Account is a user together with what lets them in. It stays between those who
// sign people in and the database.
type Account struct {
	User
	UsernameKey  string // the normal forms by which names are compared
	NicknameKey  string
	EmailKey     string // "": no e-mail address
	PasswordHash string // "": cannot log in by password
}

// LoginKeys are the normal forms of what somebody typed to log in with; "" for
// a kind of name that it cannot be.
type LoginKeys struct {
	Username string
	Email    string
	Phone    string
}

// Refresh is what is kept of a refresh token.
type Refresh struct {
	Hash    []byte // SHA-256 of its secret; nil: the device has none
	Expires time.Time
}

// SignUp is a new account, signed in at once on its first device.
type SignUp struct {
	Account
	Device  Device
	Refresh Refresh
	Invite  []byte // hash of the invitation code to use up; nil: none needed
}

// SignIn is one device about to be signed in, and what that does to the others.
type SignIn struct {
	Device     Device // ID, User, Platform and Name
	Refresh    Refresh
	Policy     Policy
	MaxDevices int
	// Verified is the hash that the password was compared with; another one in
	// the database by now is a Conflict. Upgraded, if set, takes its place.
	Verified string
	Upgraded string
}

// SignedIn is what became of a SignIn.
type SignedIn struct {
	Device Device
	Ended  []Device // displaced
}

// Rotation exchanges one refresh token of a device for the next.
type Rotation struct {
	User   UserID
	Device DeviceID
	Hash   []byte // of the one presented
	// Issued is set when we certainly made the one presented, at the sign-in
	// Login: if it is not the current one, it has been used before.
	Issued bool
	Login  int64
	Next   Refresh
}

// Rotated is what became of a Rotation.
type Rotated struct {
	User   User
	Device Device
	Ended  []Device // the device itself, when its token had been used before
}

// DeviceRecord is a device as the database has it, with what of its owner
// decides whether it may do anything. Login is 0 if the owner is there and the
// device never was.
type DeviceRecord struct {
	Device
	SignedInAt time.Time
	Received   string // the offset last reported as received; "": none yet
	Disabled   bool   // the owner
	Deleted    bool   // the owner
	Admin      bool   // the owner
}

// Progress is how far a device has got, for saving many at once.
type Progress struct {
	User   UserID
	Device DeviceID
	Offset string    // last reported as received; "": as before
	Seen   time.Time // when it was last connected
}

// CodeKind is what a one-time code is good for.
type CodeKind string

// The kinds of one-time codes.
const (
	VIPCode    CodeKind = "vip"
	InviteCode CodeKind = "invite"
)

// Code is what is kept of a one-time code.
type Code struct {
	Hash      []byte // SHA-256 of the code
	Kind      CodeKind
	VIPDays   int
	ExpiresAt time.Time // zero: never
	UsedBy    UserID    // "": nobody yet
	UsedAt    time.Time
	CreatedAt time.Time
}

// UserQuery finds users. Prefix is the start of a user name or nickname in its
// normal form; Email and Phone are whole. A user that fits any one that is set is
// found; if none is set, everyone is. Those who block Reader, who asks, are not
// found. After is the cursor that the page before gave, and Limit how long a page
// is at most.
type UserQuery struct {
	Prefix string
	Email  string
	Phone  string
	Reader UserID
	After  string
	Limit  int
}
