// Package cluster is what the nodes agree on, kept in Redis: who is connected
// where, what waits for whom, which nodes live, and how they reach each other.
//
// Everything here may be lost, rolled back or replaced while traffic runs. Two
// things make that harmless. Whatever must not be lost is in the database, and
// everything here belongs to a generation: a number minted in the database and
// noted beside each user's data. Data of another generation is never compared
// with, it is forgotten and rebuilt.
package cluster
