package verify

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
)

// bar shows how far a step of the run has got, when somebody is there to see it.
type bar struct {
	out io.Writer // nil: nobody is
	rec *recorder
}

func newBar(out io.Writer, rec *recorder) *bar {
	if f, ok := out.(*os.File); ok {
		if s, err := f.Stat(); err != nil || s.Mode()&os.ModeCharDevice == 0 {
			return &bar{}
		}
	}
	return &bar{out, rec}
}

// step is a part of the run with a bar of its own.
type step struct {
	p    *progressbar.ProgressBar // nil: not shown
	stop chan struct{}
	gone sync.WaitGroup
}

func (b *bar) start(name string, total int) *step {
	s := &step{stop: make(chan struct{})}
	if b.out != nil {
		s.p = progressbar.NewOptions(total, progressbar.OptionSetWriter(b.out), progressbar.OptionSetDescription(name),
			progressbar.OptionSetWidth(24), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish(),
			progressbar.OptionSetPredictTime(false), progressbar.OptionSetElapsedTime(false))
	}
	return s
}

// count is a step that its user moves on by at.
func (b *bar) count(name string, total int) *step { return b.start(name, total) }

// window is a step that moves on by the time, and shows what is going on.
func (b *bar) window(name string, d time.Duration) *step {
	s := b.start(name, int(d/time.Millisecond))
	if s.p == nil {
		return s
	}
	begun := time.Now()
	s.gone.Go(func() {
		tick := time.NewTicker(200 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				s.p.Describe(fmt.Sprintf("%s: %d sent, %d acknowledged, %d received", name, b.rec.sent.Load(), b.rec.acknowledged.Load(), b.rec.received.Load()))
				s.at(int(min(time.Since(begun), d) / time.Millisecond))
			case <-s.stop:
				return
			}
		}
	})
	return s
}

func (s *step) at(n int) {
	if s.p != nil {
		_ = s.p.Set(n) // a bar that cannot be drawn harms nobody
	}
}

func (s *step) end() {
	close(s.stop)
	s.gone.Wait()
	if s.p != nil {
		_ = s.p.Finish()
	}
}
