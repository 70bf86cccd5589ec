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

// Person returns the card that travels with the user's messages.
func (u *User) Person() Person {
	return Person{ID: u.ID, Username: u.Username, Nickname: u.Nickname, AvatarURL: u.AvatarURL}
}
