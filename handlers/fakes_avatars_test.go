package handlers

import (
	"context"

	"github.com/tieline/tieline/pkg/chat"
)

// fakeAvatars has one picture.
type fakeAvatars struct{}

func (fakeAvatars) Open(_ context.Context, name string) ([]byte, string, error) {
	if name != "u-1.png" {
		return nil, "", chat.E("fake", chat.NotFound, nil)
	}
	return []byte("a picture"), "image/png", nil
}
