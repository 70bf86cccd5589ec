package phrase

import (
	"github.com/tieline/tieline/pkg/chat"
	"golang.org/x/text/message/catalog"
)

var english = catalogue{
	kinds: map[chat.Kind]entry{
		chat.Malformed:        {"Malformed request", "The request could not be understood."},
		chat.Unauthorized:     {"Not signed in", "Nobody is signed in, or the user does not exist. Please sign in again."},
		chat.TokenExpired:     {"Token expired", "The access token has expired. Please refresh it."},
		chat.TokenInvalid:     {"Token invalid", "The token is not valid."},
		chat.SessionEnded:     {"Session ended", "This device was signed out. Please sign in again."},
		chat.BadCredentials:   {"Wrong name or password", "The name or the password is wrong. Please try again."},
		chat.AccountDisabled:  {"Account disabled", "Your account has been disabled."},
		chat.Muted:            {"Muted", "You may not write here at the moment."},
		chat.Forbidden:        {"Forbidden", "You may not do this."},
		chat.VIPRequired:      {"VIP required", "Only VIPs may do this."},
		chat.NotAMember:       {"Not a member", "You are not a member of this room."},
		chat.Blocked:          {"Blocked", "This user does not take messages from you."},
		chat.NotFriends:       {"Not friends", "You are not friends with this user."},
		chat.NotFound:         {"Not found", "There is no such thing, or you may not know of it."},
		chat.UsernameTaken:    {"User name taken", "This user name is already taken."},
		chat.EmailTaken:       {"E-mail address taken", "This e-mail address is already in use."},
		chat.PhoneTaken:       {"Phone number taken", "This phone number is already in use."},
		chat.Conflict:         {"Conflict", "This contradicts what is already there."},
		chat.TooLarge:         {"Too large", "The request is too large."},
		chat.UnsupportedMedia: {"Unsupported media type", "This type of content is not supported."},
		chat.Invalid:          {"Invalid request", "Something in the request is not allowed."},
		chat.CodeInvalid:      {"Code invalid", "The code is wrong, used up or expired."},
		chat.RateLimited:      {"Too many requests", "Too many requests. Please wait a moment."},
		chat.Internal:         {"Internal error", "Something went wrong on our side."},
		chat.Unavailable:      {"Unavailable", "This is not possible at the moment. Please try again shortly."},
	},
	reasons: map[chat.Reason]string{
		chat.SignedInElsewhere: "Your account was signed in on another device.",
		chat.Replaced:          "This device connected again from somewhere else.",
		chat.SignedOut:         "This device was signed out. Please sign in again.",
		chat.DeviceRemoved:     "This device was removed from your account. Please sign in again.",
		chat.PasswordChanged:   "Your password was changed. Please sign in again.",
		chat.Disabled:          "Your account has been disabled.",
		chat.ByAdmin:           "An administrator signed this device out.",
		chat.AccountRemoved:    "This account has been removed.",
	},
	fields: map[string]catalog.Message{
		"required":     say("This is required."),
		"too_short":    say("This is too short."),
		"too_short %d": count("This has at least one character.", "This has at least %d characters."),
		"too_long":     say("This is too long."),
		"too_long %d":  count("This has at most one character.", "This has at most %d characters."),
		"too_small":    say("This is too small."),
		"too_small %d": say("This is at least %d."),
		"too_large":    say("This is too large."),
		"too_large %d": say("This is at most %d."),
		"too_many":     say("These are too many."),
		"too_many %d":  say("At most %d."),
		"self":         say("This cannot be you yourself."),
		"format":       say("This does not have the right form."),
		"unknown":      say("This is not one of the possible values."),
		"conflict":     say("This contradicts another field."),

		"username too_short %d":        count("A user name has at least one character.", "A user name has at least %d characters."),
		"username too_long %d":         count("A user name has at most one character.", "A user name has at most %d characters."),
		"username format":              say("A user name consists of letters, digits, '_', '-' and '.'."),
		"password too_short %d":        count("A password has at least one character.", "A password has at least %d characters."),
		"password too_long %d":         count("A password has at most one character.", "A password has at most %d characters."),
		"new_password too_short %d":    count("A password has at least one character.", "A password has at least %d characters."),
		"new_password too_long %d":     count("A password has at most one character.", "A password has at most %d characters."),
		"password_hash conflict":       say("Either a password or a hash of it, not both."),
		"nickname too_long %d":         count("A nickname has at most one character.", "A nickname has at most %d characters."),
		"email format":                 say("This is not an e-mail address."),
		"bio too_long %d":              count("What you write about yourself has at most one character.", "What you write about yourself has at most %d characters."),
		"locale format":                say("This is not a language, such as en or zh-CN."),
		"phone format":                 say("A phone number has 5 to 15 digits, and may begin with '+'."),
		"count too_large %d":           count("At most one at a time.", "At most %d at a time."),
		"vip_days too_small %d":        count("A VIP code is good for at least one day.", "A VIP code is good for at least %d days."),
		"vip_days too_large %d":        count("A VIP code is good for at most one day.", "A VIP code is good for at most %d days."),
		"ttl format":                   say("This is not a length of time, such as 720h or 1h30m."),
		"file too_large %d":            count("A picture has at most one pixel.", "A picture has at most %d pixels."),
		"users too_long %d":            count("At most one person at a time.", "At most %d people at a time."),
		"to format":                    say("Name exactly one of user, room and conversation."),
		"tags required":                say("A tag may not be empty."),
		"tags too_long %d":             say("A tag has at most %d characters."),
		"message.text required":        say("A message may not be empty."),
		"message.text too_long %d":     count("A message has at most one character.", "A message has at most %d characters."),
		"message.mentions too_long %d": count("A message mentions at most one person.", "A message mentions at most %d people."),
	},
	field: "This is not allowed.",
	mails: map[chat.MailKind]letter{
		chat.MailSignUpCode: {"Your code: {code}", `Welcome to Tieline!

{code} is the code to finish signing up. It is good for five minutes.

If you did not ask for it, somebody may have mistyped their address: you need not do anything.
`},
		chat.MailResetCode: {"Your code for a new password: {code}", `{code} is the code to set a new password for your Tieline account. It is good for five minutes.

If you did not ask for it, you need not do anything; do not tell it to anybody.
`},
		chat.MailAlreadyKnown: {"You already have an account", `Somebody, perhaps you, wants to sign up for Tieline with this e-mail address. It already belongs to your account.

If it was you, just log in with your e-mail address, or ask for a new password if you do not know yours. If not, you need not do anything.
`},
		chat.MailAddressChanged: {"Your e-mail address was changed", `Your Tieline account no longer has this e-mail address.

If it was not you who changed it, somebody else is signed in to your account: change your password at once.
`},
	},
}
