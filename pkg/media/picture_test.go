package media

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/draw"
	"image/gif"
	"image/jpeg"
	"image/png"
	"strings"
	"testing"

	"github.com/tieline/tieline/pkg/chat"
)

// The colours of the quarters of quartered, and how they are written down.
var quarters = map[rune]color.NRGBA{
	'a': {R: 255, A: 255}, 'b': {G: 255, A: 255}, 'c': {B: 255, A: 255}, 'd': {R: 255, G: 255, B: 255, A: 255},
}

// quartered is a picture with a, b above and c, d below, around its middle.
func quartered(width, height int) *image.NRGBA {
	p := image.NewNRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			p.SetNRGBA(x, y, quarters['a'+rune(x*2/width+y*2/height*2)])
		}
	}
	return p
}

// corners reads such a picture: "abcd".
func corners(t *testing.T, p image.Image) string {
	t.Helper()
	var s strings.Builder
	w, h := p.Bounds().Dx(), p.Bounds().Dy()
	for _, at := range []image.Point{{w / 8, h / 8}, {w * 7 / 8, h / 8}, {w / 8, h * 7 / 8}, {w * 7 / 8, h * 7 / 8}} {
		r, g, b, _ := p.At(at.X, at.Y).RGBA()
		found := '?'
		for name, q := range quarters {
			if near(r, q.R) && near(g, q.G) && near(b, q.B) {
				found = name
			}
		}
		s.WriteRune(found)
	}
	return s.String()
}

func near(a uint32, b uint8) bool { return max(int(a>>8), int(b))-min(int(a>>8), int(b)) < 40 }

func asJPEG(t testing.TB, p image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, p, &jpeg.Options{Quality: 95}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func asPNG(t testing.TB, p image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, p); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// withEXIF puts into a JPEG how it was held, and where: in the northern half.
func withEXIF(picture []byte, held uint16) []byte {
	be := binary.BigEndian
	tiff := []byte("MM\x00*\x00\x00\x00\x08")
	tiff = be.AppendUint16(tiff, 2)
	tiff = be.AppendUint16(be.AppendUint32(be.AppendUint16(be.AppendUint16(tiff, 0x0112), 3), 1), held)
	tiff = be.AppendUint16(tiff, 0)
	tiff = be.AppendUint32(be.AppendUint32(be.AppendUint16(be.AppendUint16(tiff, 0x8825), 4), 1), 38)
	tiff = be.AppendUint32(tiff, 0)
	tiff = be.AppendUint16(tiff, 1)
	tiff = append(be.AppendUint32(be.AppendUint16(be.AppendUint16(tiff, 0x0001), 2), 2), "N\x00\x00\x00"...)
	tiff = be.AppendUint32(tiff, 0)
	segment := append([]byte("Exif\x00\x00"), tiff...)
	out := append([]byte{}, picture[:2]...)
	out = be.AppendUint16(append(out, 0xff, 0xe1), uint16(len(segment)+2))
	return append(append(out, segment...), picture[2:]...)
}

// made shrinks an upload and decodes what became of it.
func made(t *testing.T, upload []byte) (picture, image.Image) {
	t.Helper()
	f, _, err := inspect(upload)
	if err != nil {
		t.Fatal(err)
	}
	p, err := shrink(upload, f)
	if err != nil {
		t.Fatal(err)
	}
	decode := jpeg.Decode
	if p.extension == ".png" {
		decode = png.Decode
	}
	seen, err := decode(bytes.NewReader(p.content))
	if err != nil {
		t.Fatal(err)
	}
	return p, seen
}

// S0.4: an avatar is the upright square in the middle, and nothing else that was
// in the file.
func TestAnAvatarIsUprightAndBare(t *testing.T) {
	wide := image.NewNRGBA(image.Rect(0, 0, 480, 300))
	draw.Draw(wide, wide.Rect, image.Black, image.Point{}, draw.Src) // what is cut off left and right
	draw.Draw(wide, image.Rect(90, 0, 390, 300), quartered(300, 300), image.Point{}, draw.Src)
	// What is seen of a quartered picture that was held in each of the eight ways.
	for i, want := range []string{"abcd", "badc", "dcba", "cdab", "acbd", "cadb", "dbca", "bdac"} {
		held := uint16(i + 1)
		upload := withEXIF(asJPEG(t, wide), held)
		if !bytes.Contains(upload, []byte("Exif")) || orientation(upload, formats[0]) != int(held) {
			t.Fatalf("%d is read as %d", held, orientation(upload, formats[0]))
		}
		p, seen := made(t, upload)
		if got := corners(t, seen); got != want || seen.Bounds() != image.Rect(0, 0, 256, 256) || p.extension != ".jpg" {
			t.Errorf("held as %d it becomes %s, %v %s; want %s", held, got, seen.Bounds(), p.extension, want)
		}
		if bytes.Contains(p.content, []byte("Exif")) || bytes.Contains(p.content, []byte{0xff, 0xe1}) {
			t.Errorf("held as %d: there is still EXIF", held)
		}
	}
	for _, nonsense := range []uint16{0, 9, 0xffff} {
		if _, seen := made(t, withEXIF(asJPEG(t, wide), nonsense)); corners(t, seen) != "abcd" {
			t.Errorf("held as %d it is turned", nonsense)
		}
	}
}

// S0.4: what it is, is told by the content; small ones stay as small.
func TestWhatAPictureBecomes(t *testing.T) {
	glass := quartered(10, 10)
	glass.SetNRGBA(5, 5, color.NRGBA{})
	var moving bytes.Buffer
	frame := image.NewPaletted(image.Rect(0, 0, 30, 20), color.Palette{color.White, color.Black})
	if err := gif.EncodeAll(&moving, &gif.GIF{Image: []*image.Paletted{frame, frame}, Delay: []int{1, 1}}); err != nil {
		t.Fatal(err)
	}
	lossless, lossy := webps(t)
	for name, test := range map[string]struct {
		upload    []byte
		side      int
		extension string
	}{
		"a small PNG":            {asPNG(t, quartered(31, 17)), 17, ".jpg"},
		"one with a hole":        {asPNG(t, glass), 10, ".png"},
		"a large one":            {asPNG(t, quartered(300, 900)), 256, ".jpg"},
		"one as wide as it gets": {asPNG(t, quartered(3000, 1)), 1, ".jpg"},
		"exactly the size":       {asPNG(t, quartered(256, 256)), 256, ".jpg"},
		"shades of grey":         {asJPEG(t, image.NewGray(image.Rect(0, 0, 70, 50))), 50, ".jpg"},
		"many bits":              {asPNG(t, image.NewRGBA64(image.Rect(0, 0, 7, 5))), 5, ".png"},
		"a moving GIF":           {moving.Bytes(), 20, ".jpg"},
		"a lossless WebP":        {lossless, 1, ".png"},
		"a lossy WebP":           {lossy, 1, ".jpg"},
	} {
		if p, seen := made(t, test.upload); seen.Bounds() != image.Rect(0, 0, test.side, test.side) || p.extension != test.extension {
			t.Errorf("%s becomes %v, %s; want %d, %s", name, seen.Bounds(), p.extension, test.side, test.extension)
		}
	}
	if _, seen := made(t, asPNG(t, quartered(300, 300))); corners(t, seen) != "abcd" {
		t.Errorf("it looks like %s", corners(t, seen))
	}
}

// webps are the smallest pictures there are in the two ways of WebP.
func webps(t testing.TB) (lossless, lossy []byte) {
	t.Helper()
	lossless, err := base64.StdEncoding.DecodeString("UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA==")
	if err != nil {
		t.Fatal(err)
	}
	lossy, err = base64.StdEncoding.DecodeString("UklGRiIAAABXRUJQVlA4IBYAAAAwAQCdASoBAAEADsD+JaQAA3AAAAAA")
	if err != nil {
		t.Fatal(err)
	}
	return lossless, lossy
}

// S0.4: what is no picture is refused; what is too large is refused before any
// memory is spent on it.
func TestWhatIsNoAvatar(t *testing.T) {
	good := asPNG(t, quartered(20, 20))
	huge := bytes.Clone(good)
	binary.BigEndian.PutUint32(huge[16:], 100_000)
	binary.BigEndian.PutUint32(huge[20:], 100_000)
	binary.BigEndian.PutUint32(huge[29:], crc32.ChecksumIEEE(huge[12:29]))
	for name, test := range map[string]struct {
		upload []byte
		want   chat.Kind
	}{
		"nothing":                  {nil, chat.UnsupportedMedia},
		"text":                     {[]byte("hello"), chat.UnsupportedMedia},
		"a page":                   {[]byte("<svg xmlns='http://www.w3.org/2000/svg'/>"), chat.UnsupportedMedia},
		"a header alone":           {good[:8], chat.UnsupportedMedia},
		"half a picture":           {good[:len(good)/2], chat.UnsupportedMedia},
		"a BMP":                    {[]byte("BM" + strings.Repeat("\x00", 100)), chat.UnsupportedMedia},
		"too many pixels":          {huge, chat.Invalid},
		"a GIF with too many":      {[]byte("GIF89a\xff\xff\xff\xff\x00\x00\x00;"), chat.Invalid},
		"a WebP with too many":     {[]byte("RIFF\x16\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x00\x00\x00\x00\xff\x7f\x00\xff\x7f\x00"), chat.Invalid},
		"too many bytes":           {append(bytes.Clone(good), make([]byte, MaxAvatar)...), chat.TooLarge},
		"a JPEG that only says so": {[]byte("\xff\xd8\xff" + strings.Repeat("x", 100)), chat.UnsupportedMedia},
	} {
		f, _, err := inspect(test.upload)
		if err == nil {
			_, err = shrink(test.upload, f)
		}
		if chat.KindOf(err) != test.want {
			t.Errorf("%s: %v, want %s", name, err, test.want)
		}
	}
	_, _, err := inspect(huge)
	if e, ok := err.(*chat.Error); !ok || fmt.Sprint(e.Fields) != "[{file too_large  25000000}]" {
		t.Errorf("too many pixels: %+v", err)
	}
}
