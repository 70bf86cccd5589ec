package wire

// Close codes. They tell a client whether to come back: 4001–4005 do not, 4006
// somebody else is this device now, everything else come back and resume.
const (
	CloseTooBig      = 1009 // a frame over MaxFrame
	CloseGoingAway   = 1012 // this node is going away: come back, to any node
	CloseMalformed   = 4000 // MaxMalformed frames within a minute
	CloseKicked      = 4001 // signed out; sign in again
	CloseExpired     = 4002 // the access token has expired: refresh it
	CloseInvalid     = 4003 // the access token is not one of ours
	CloseDisabled    = 4004 // the account is disabled
	CloseUnknownUser = 4005 // there is no such account (any more)
	CloseReplaced    = 4006 // the same device connected again
	CloseSlow        = 4008 // read nothing for too long; resume later
	CloseRateLimited = 4029 // too many connects
	CloseUnavailable = 1013 // try again later (RFC 6455 registry)
)

// Limits of the protocol.
const (
	MaxFrame     = 64 << 10 // bytes of one frame, either way
	MaxMalformed = 20       // malformed frames a minute before CloseMalformed
	MaxSignal    = 16 << 10 // bytes of a signal's data
	MaxUsers     = 500      // users in one watch
	MaxID        = 64       // characters of any id
	MaxHistory   = 200      // messages in one history reply
)

// Subprotocol is what a browser asks for beside "bearer.ACCESS".
const Subprotocol = "tieline.v1"
