package media

import (
	"context"
	"io"
	"log/slog"
	"regexp"
	"strings"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"golang.org/x/sync/semaphore"
)

// Avatars are the pictures that stand for people. It may be used by many
// goroutines.
type Avatars struct {
	store Store
	log   *slog.Logger
	room  *semaphore.Weighted // in pixels that are being decoded
}

// NewAvatars returns the avatars that are kept in a store.
func NewAvatars(store Store, log *slog.Logger) *Avatars {
	return &Avatars{store, log, semaphore.NewWeighted(MaxPixels)}
}

// Where avatars are, for browsers and in the store.
const (
	avatarURL = "/avatars/"
	avatarKey = "avatars/"
)

// deleteWithin is how long it is tried to delete a file that nobody needs.
const deleteWithin = 3 * time.Second

// Keep keeps what somebody uploaded as their avatar, made small and bare, and
// returns its URL. TooLarge for too many bytes, UnsupportedMedia for what is no
// PNG, JPEG, GIF or WebP, Invalid for too many pixels, Unavailable while there is
// no room to decode it or to keep it.
//
// A URL is given once, also to the same picture: else whoever forgets the one
// before could forget one that was just set again.
func (a *Avatars) Keep(ctx context.Context, user chat.UserID, upload []byte) (url string, err error) {
	small, err := a.develop(ctx, upload)
	if err != nil {
		return "", err
	}
	name := string(user) + "-" + chat.NewID() + small.extension
	return avatarURL + name, a.store.Put(ctx, avatarKey+name, small.content)
}

// develop makes a small picture of an upload, at most two at a time: what that
// costs is memory, so large ones are alone, and others wait.
func (a *Avatars) develop(ctx context.Context, upload []byte) (picture, error) {
	f, pixels, err := inspect(upload)
	if err != nil {
		return picture{}, err
	}
	share := max(pixels, MaxPixels/2)
	if err := a.room.Acquire(ctx, share); err != nil {
		return picture{}, away("media.develop", err)
	}
	defer a.room.Release(share)
	return shrink(upload, f)
}

// Forget deletes the file of an avatar that nobody has any more, by its URL. A
// file that stays is only a waste, so a failure is logged.
func (a *Avatars) Forget(ctx context.Context, url string) {
	name, ok := strings.CutPrefix(url, avatarURL)
	if !ok || !avatarName.MatchString(name) {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), deleteWithin)
	defer cancel()
	if err := a.store.Delete(ctx, avatarKey+name); err != nil {
		a.log.Warn("an avatar that nobody has was not deleted", "name", name, "error", err)
	}
}

// avatarName is what Keep calls files.
var avatarName = regexp.MustCompile(`^[0-9a-z]{1,64}-[0-9a-z]{26}\.(jpg|png)$`)

// Open returns an avatar by the last part of its URL, and its media type. NotFound.
func (a *Avatars) Open(ctx context.Context, name string) (content []byte, mediaType string, err error) {
	if !avatarName.MatchString(name) {
		return nil, "", chat.E("media.avatar", chat.NotFound, nil)
	}
	file, err := a.store.Open(ctx, avatarKey+name)
	if err != nil {
		return nil, "", err
	}
	defer file.Close()
	mediaType = "image/jpeg"
	if strings.HasSuffix(name, ".png") {
		mediaType = "image/png"
	}
	content, err = io.ReadAll(file)
	return content, mediaType, err
}
