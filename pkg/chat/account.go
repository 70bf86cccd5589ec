package chat

import "time"

// User is an account as its owner sees it.
type User struct {
	ID         UserID
	Username   string
	Nickname   string
	Sex        string // "unknown", "male" or "female"
	Bio        string
	AvatarURL  string
	Email      string
	Phone      string
	Theme      string
	Locale     string
	VIPUntil   time.Time // zero: never was one
	Admin      bool
	CreatedAt  time.Time
	DisabledAt time.Time // zero: may sign in
	DeletedAt  time.Time // zero: there
}

// DeletedNickname is what those are called who have removed their account.
const DeletedNickname = "deleted user"

// ProfileChanged is what became of a change of somebody's profile.
type ProfileChanged struct {
	Before, After Account
	Events        []Event // that tell of it; none if nothing is different
}

// Removal is what went with an account that was removed.
type Removal struct {
	AvatarURL string   // of the picture that nobody has any more
	Ended     []Device // that it was signed in on
	Events    []Event  // that tell its friends
	Pairs     []Pair   // of its user, with everybody they had anything to do with
}

// Person returns the card that travels with the user's messages.
func (u *User) Person() Person {
	return Person{ID: u.ID, Username: u.Username, Nickname: u.Nickname, AvatarURL: u.AvatarURL}
}
