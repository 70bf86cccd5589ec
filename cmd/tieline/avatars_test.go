package main_test

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/client"
)

// poster is a picture of one colour.
func poster(t *testing.T, c color.Color, width, height int) []byte {
	t.Helper()
	p := image.NewRGBA(image.Rect(0, 0, width, height))
	draw.Draw(p, p.Rect, image.NewUniform(c), image.Point{}, draw.Src)
	var b bytes.Buffer
	if err := png.Encode(&b, p); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// ShowsUp uploads an avatar by way of a node and returns its URL.
func (d *device) ShowsUp(node string, picture []byte) (url string) {
	d.s.t.Helper()
	d.doesOn(node, func(ctx context.Context, a *client.API) error {
		u, err := a.PutAvatar(ctx, picture)
		url = u.AvatarURL
		return err
	})
	return url
}

// S0.4: an avatar that was uploaded on one node is seen on every other, by
// anybody, in one's card and beside what one says; the one before is gone, and
// with the account so is the last.
func TestAvatars(t *testing.T) {
	t.Parallel()
	s := newStory(t, setting("TIELINE_MEDIA_URL", "file://"+filepath.ToSlash(t.TempDir())))
	alice, bob := s.User("alice"), s.User("bob")
	bob.On("n2")
	alice.On("n1")
	phone := alice.Device("phone", chat.IOS).On("n2")
	alice.Befriends(bob)
	alice.Says(bob, "as nobody in particular") // so that the nodes remember what she looks like
	first := alice.ShowsUp("n1", poster(t, color.RGBA{R: 255, A: 255}, 900, 300))
	for _, d := range []*device{bob.device, phone} {
		d.hearsEventAfter(chat.FriendAccepted)
		if e := d.HearsOf(chat.ProfileUpdated); e.User.ID != alice.ID || e.User.AvatarURL != first {
			t.Errorf("%s hears of %+v, want %s", d, e.User, first)
		}
	}
	if got := bob.Card(alice).AvatarURL; got != first {
		t.Errorf("bob sees %s on her card, want %s", got, first)
	}
	for _, n := range s.nodes {
		a := n.Asks("GET", first, "", "")
		picture, err := jpeg.Decode(bytes.NewReader(a.Body))
		if err != nil || a.Status != 200 || a.Header.Get("Content-Type") != "image/jpeg" || picture.Bounds() != image.Rect(0, 0, 256, 256) {
			t.Fatalf("%s shows %d %v: %v", n.id, a.Status, a.Header, err)
		}
		if r, g, b, _ := picture.At(128, 128).RGBA(); r>>8 < 200 || g>>8 > 50 || b>>8 > 50 {
			t.Errorf("%s shows another picture", n.id)
		}
	}
	alice.eventually("it is beside what she says", func() bool {
		var page client.Page[struct {
			Last struct{ From client.User } `json:"last_message"`
		}]
		alice.Says(lobby, "look")
		s.Node("n2").Asks("GET", "/api/v1/conversations?limit=1", bob.grant.AccessToken, "").into(s, &page)
		return len(page.Items) == 1 && page.Items[0].Last.From.AvatarURL == first
	})

	second := alice.ShowsUp("n2", poster(t, color.RGBA{}, 20, 30))
	s.Node("n1").Asks("GET", first, "", "").is(s, 404, chat.NotFound)
	if a := s.Node("n1").Asks("GET", second, "", ""); a.Status != 200 || a.Header.Get("Content-Type") != "image/png" || !strings.HasSuffix(second, ".png") {
		t.Errorf("what can be seen through is shown as %d %v", a.Status, a.Header)
	}
	alice.IsRefused(chat.UnsupportedMedia, "", func(ctx context.Context, a *client.API) error {
		_, err := a.PutAvatar(ctx, []byte("<svg/>"))
		return err
	})
	alice.IsRefused(chat.TooLarge, "", func(ctx context.Context, a *client.API) error {
		_, err := a.PutAvatar(ctx, make([]byte, 5<<20+1))
		return err
	})
	alice.does(func(ctx context.Context, a *client.API) error { return a.DeleteMe(ctx, alice.password) })
	s.Node("n2").Asks("GET", second, "", "").is(s, 404, chat.NotFound)
}

// S0.4: where uploads cannot be kept they are refused, and nothing else is.
func TestAvatarsWithoutAStore(t *testing.T) {
	t.Parallel()
	s := newStory(t, nodes(1), setting("TIELINE_MEDIA_URL", "s3://key:hunter2hunter2@bucket?endpoint=https://s3.example.org&region=x"))
	s.keepSecret("hunter2hunter2")
	alice := s.User("alice")
	alice.IsRefused(chat.Unavailable, "", func(ctx context.Context, a *client.API) error {
		_, err := a.PutAvatar(ctx, poster(t, color.White, 9, 9))
		return err
	})
	alice.On("n1").Says(lobby, "hi")
	if log, err := os.ReadFile(s.Node("n1").log); err != nil || !bytes.Contains(log, []byte("TIELINE_MEDIA_URL")) {
		t.Errorf("the log does not warn: %v", err)
	}
}
