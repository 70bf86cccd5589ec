package store

// People keeps what people are to each other. Every transaction that changes
// it for two of them locks both users' rows first, and leaves the gate of their
// direct conversation telling the same.
type People struct{ db *DB }

// NewPeople returns the repository of friends, requests and blocks.
func NewPeople(db *DB) *People { return &People{db} }
