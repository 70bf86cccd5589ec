//go:build chaos

package main_test

import "testing"

// Every value to every field of every route, where a quarter of them takes its
// time.
func TestChaosNoRequestBreaksANode(t *testing.T) { attackRoutes(t, 1) }
