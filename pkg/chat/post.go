package chat

import "time"

// Post is something written on a wall, or on the board of the home page.
type Post struct {
	ID   string
	Wall UserID // whose wall; "": the board
	From Person
	Text string
	At   time.Time
}

// MaxPost is how long a post may be, in characters.
const MaxPost = 5000
