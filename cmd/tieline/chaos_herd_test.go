//go:build chaos

package main_test

import "testing"

// Eight thousand sockets and eight hundred thousand missed messages: as many as
// the file descriptors of a usual machine allow.
func TestChaosHerd(t *testing.T) { herd(t, 8000, 100) }
