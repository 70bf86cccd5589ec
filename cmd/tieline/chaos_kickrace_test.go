//go:build chaos

package main_test

import (
	"testing"

	"github.com/tieline/tieline/pkg/chat"
)

// A thousand things done by twenty devices, while nodes are killed.
func TestChaosKickRaceSingle(t *testing.T)      { kickRace(t, chat.Single, 5, 50, 6) }
func TestChaosKickRacePerPlatform(t *testing.T) { kickRace(t, chat.PerPlatform, 5, 50, 6) }
