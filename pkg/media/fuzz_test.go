package media

import (
	"bytes"
	"image"
	"image/jpeg"
	"image/png"
	"testing"

	"github.com/tieline/tieline/pkg/chat"
)

// S0.4: whatever somebody uploads, it is refused as theirs, or becomes a square
// that decodes.
func FuzzAvatar(f *testing.F) {
	lossless, lossy := webps(f)
	turned := withEXIF(asJPEG(f, quartered(40, 30)), 6)
	for _, seed := range [][]byte{
		turned, turned[:len(turned)/2], asPNG(f, quartered(9, 9)), lossless, lossy, []byte("GIF89a\x01\x00\x01\x00\x80\x00\x00\xff\xff\xff\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"),
		[]byte("RIFF????WEBP"), []byte("\x89PNG\r\n\x1a\n"), nil,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, upload []byte) {
		kind, pixels, err := inspect(upload)
		if err == nil && pixels > 1<<14 {
			return // it would only take long
		}
		var p picture
		if err == nil {
			p, err = shrink(upload, kind)
		}
		if err != nil {
			if k := chat.KindOf(err); k != chat.UnsupportedMedia && k != chat.Invalid && k != chat.TooLarge {
				t.Fatalf("refused with %v", err)
			}
			return
		}
		decode := map[string]func(*bytes.Reader) (image.Image, error){
			".jpg": func(r *bytes.Reader) (image.Image, error) { return jpeg.Decode(r) },
			".png": func(r *bytes.Reader) (image.Image, error) { return png.Decode(r) },
		}[p.extension]
		seen, err := decode(bytes.NewReader(p.content))
		if err != nil {
			t.Fatal(err)
		}
		if b := seen.Bounds(); b.Dx() != b.Dy() || b.Dx() < 1 || b.Dx() > avatarSide {
			t.Fatalf("it became %v", b)
		}
	})
}
