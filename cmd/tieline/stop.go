package main

import (
	"context"
	"time"
)

// shutdownWithin bounds what remains of plain HTTP requests after the drain.
const shutdownWithin = 5 * time.Second

// stop hands the sockets over and ends the HTTP edge.
func (a *App) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), a.cfg.Drain)
	a.node.Drain(ctx)
	cancel()
	a.endAll()
	ctx, cancel = context.WithTimeout(context.Background(), shutdownWithin)
	defer cancel()
	if err := a.http.ShutdownWithContext(ctx); err != nil {
		a.log.Warn("requests were still running", "error", err)
	}
}

func (a *App) onClose(f func()) { a.closers = append(a.closers, f) }

func (a *App) close() {
	a.endAll()
	for i := len(a.closers) - 1; i >= 0; i-- {
		a.closers[i]()
	}
	a.closers = nil
}
