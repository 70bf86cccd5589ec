package media

import (
	"bytes"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"strings"

	"github.com/bep/imagemeta"
	"github.com/tieline/tieline/pkg/chat"
	"golang.org/x/image/draw"
	"golang.org/x/image/webp"
)

// Bounds of what is taken as a picture. A pixel may cost some 16 bytes while it
// is decoded, in a progressive JPEG for one.
const (
	MaxAvatar   = 5 << 20    // bytes of the upload
	MaxPixels   = 25_000_000 // of a picture: what a telephone takes fits
	avatarSide  = 256        // pixels of what is kept, at most
	jpegQuality = 85
)

// format is a kind of picture that we can read, known by its first bytes.
type format struct {
	begins string // '?' is any byte
	config func(io.Reader) (image.Config, error)
	decode func(io.Reader) (image.Image, error)
	exif   imagemeta.ImageFormat // where to look for its orientation; ImageFormatAuto: it has none
}

var formats = []format{
	{"\xff\xd8\xff", jpeg.DecodeConfig, jpeg.Decode, imagemeta.JPEG},
	{"\x89PNG\r\n\x1a\n", png.DecodeConfig, png.Decode, imagemeta.PNG},
	{"GIF8?a", gif.DecodeConfig, gif.Decode, imagemeta.ImageFormatAuto},
	{"RIFF????WEBP", webp.DecodeConfig, webp.Decode, imagemeta.WebP},
}

// inspect finds out what an upload is and how many pixels it has, without
// decoding it. TooLarge, UnsupportedMedia, or Invalid when it has too many.
func inspect(upload []byte) (format, int64, error) {
	const op = "media.inspect"
	if len(upload) > MaxAvatar {
		return format{}, 0, chat.E(op, chat.TooLarge, nil)
	}
	for _, f := range formats {
		if !begins(upload, f.begins) {
			continue
		}
		c, err := f.config(bytes.NewReader(upload))
		if err != nil || c.Width < 1 || c.Height < 1 {
			return f, 0, chat.E(op, chat.UnsupportedMedia, err)
		}
		pixels := int64(c.Width) * int64(c.Height)
		if pixels > MaxPixels {
			return f, 0, chat.OutOfBounds("file", "too_large", MaxPixels)
		}
		return f, pixels, nil
	}
	return format{}, 0, chat.E(op, chat.UnsupportedMedia, nil)
}

func begins(content []byte, pattern string) bool {
	if len(content) < len(pattern) {
		return false
	}
	for i := range len(pattern) {
		if pattern[i] != '?' && pattern[i] != content[i] {
			return false
		}
	}
	return true
}

// picture is one that we have drawn ourselves.
type picture struct {
	content   []byte
	extension string // ".jpg" or ".png"
}

// shrink draws the square in the middle of a picture anew, upright and at most
// avatarSide wide, without anything else that was in the file: a PNG where it
// can be seen through, else a JPEG. UnsupportedMedia for one that is damaged.
func shrink(upload []byte, f format) (picture, error) {
	const op = "media.shrink"
	whole, err := f.decode(bytes.NewReader(upload))
	if err != nil {
		return picture{}, chat.E(op, chat.UnsupportedMedia, err)
	}
	b := whole.Bounds()
	side := min(b.Dx(), b.Dy())
	if side < 1 {
		return picture{}, chat.E(op, chat.UnsupportedMedia, nil)
	}
	corner := b.Min.Add(image.Pt((b.Dx()-side)/2, (b.Dy()-side)/2))
	small := image.NewRGBA(image.Rect(0, 0, min(side, avatarSide), min(side, avatarSide)))
	draw.CatmullRom.Scale(small, small.Rect, whole, image.Rectangle{Min: corner, Max: corner.Add(image.Pt(side, side))}, draw.Src, nil)
	small = upright(small, orientation(upload, f))

	var out bytes.Buffer
	if small.Opaque() {
		err = jpeg.Encode(&out, small, &jpeg.Options{Quality: jpegQuality})
		return picture{out.Bytes(), ".jpg"}, err
	}
	err = png.Encode(&out, small)
	return picture{out.Bytes(), ".png"}, err
}

// orientation reads how a picture was held when it was taken: 1 to 8, as EXIF
// counts, 1 where nothing is said of it that makes sense.
func orientation(upload []byte, f format) int {
	held := 1
	if f.exif == imagemeta.ImageFormatAuto {
		return held
	}
	// Metadata that cannot be read is as good as none.
	_, _ = imagemeta.Decode(imagemeta.Options{
		R: bytes.NewReader(upload), ImageFormat: f.exif, Sources: imagemeta.EXIF,
		ShouldHandleTag: func(tag imagemeta.TagInfo) bool {
			return tag.Tag == "Orientation" && strings.HasPrefix(tag.Namespace, "IFD0")
		},
		HandleTag: func(tag imagemeta.TagInfo) error {
			if n, ok := tag.Value.(uint16); ok && n >= 1 && n <= 8 {
				held = int(n)
			}
			return imagemeta.ErrStopWalking
		},
	})
	return held
}

// upright turns a square that was held in one of the eight ways of EXIF.
func upright(p *image.RGBA, held int) *image.RGBA {
	if held == 1 {
		return p
	}
	out := image.NewRGBA(p.Rect)
	last := p.Rect.Dx() - 1
	for y := range last + 1 {
		for x := range last + 1 {
			fromX, fromY := x, y
			switch held {
			case 2:
				fromX = last - x
			case 3:
				fromX, fromY = last-x, last-y
			case 4:
				fromY = last - y
			case 5:
				fromX, fromY = y, x
			case 6:
				fromX, fromY = y, last-x
			case 7:
				fromX, fromY = last-y, last-x
			case 8:
				fromX, fromY = last-y, x
			}
			out.SetRGBA(x, y, p.RGBAAt(fromX, fromY))
		}
	}
	return out
}
