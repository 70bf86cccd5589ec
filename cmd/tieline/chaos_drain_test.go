//go:build chaos

package main_test

import (
	"testing"
	"time"
)

// The same restart under two thousand sockets and two hundred messages a second.
func TestChaosRollingRestart(t *testing.T) { rollingRestart(t, 2000, 100, 500*time.Millisecond) }
