package messaging

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/testserver"
)

// nowhere is a Courier that everything reaches at once.
type nowhere struct{}

func (nowhere) Deliver(context.Context, []chat.Delivery, int) ([]chat.UserID, error) { return nil, nil }
func (nowhere) Up() bool                                                             { return true }
func (nowhere) Alive() []string                                                      { return []string{"bench"} }
func (nowhere) Read(context.Context, chat.Reading) error                             { return nil }

// BenchmarkSend sends through a whole Messenger, so many at a time. An op is one
// message, from Submit to its answer.
func BenchmarkSend(b *testing.B) {
	for dialect, url := range map[string]func() string{
		"sqlite":  func() string { return "sqlite://" + filepath.Join(b.TempDir(), "tieline.db") },
		"mariadb": func() string { return testserver.Database(b) },
	} {
		for name, window := range map[string]int{"alone": 1, "crowd": 1000} {
			b.Run(dialect+"/"+name, func(b *testing.B) {
				m, _ := runs(b, url(), "bench", nowhere{})
				waiting := make(chan struct{}, window)
				b.ReportAllocs()
				b.ResetTimer()
				for range b.N {
					waiting <- struct{}{}
					m.Submit(context.Background(), ann(chat.NewID(), "All work and no play makes Jack a dull boy."), func(_ Sent, err error) {
						if err != nil {
							b.Error(err)
						}
						<-waiting
					})
				}
				for range window {
					waiting <- struct{}{}
				}
			})
		}
	}
}
