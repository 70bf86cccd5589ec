package cluster

import (
	"context"
	"time"

	"github.com/tieline/tieline/pkg/chat"
)

// So many wrong passwords for a name are let pass at once, and one each so long
// after that.
const (
	failuresBurst = 20
	failuresEvery = 30 * time.Second
)

// MayFail returns nil if somebody may try a password for a name, on any node,
// else a RateLimited error that says when. Right ones are not counted, so this
// takes nothing. While Redis is away it holds nobody up.
func (l *Limits) MayFail(ctx context.Context, name string) error {
	wait := l.failures(ctx, name, 0)
	if wait <= 0 {
		return nil
	}
	if l.count != nil {
		l.count(chat.Failures)
	}
	return &chat.Error{Kind: chat.RateLimited, Op: "cluster.failures", Retry: wait}
}

// Failed counts a wrong password for a name.
func (l *Limits) Failed(ctx context.Context, name string) { l.failures(ctx, name, 1) }

// failures asks the shared bucket of a name for a number of failures, and returns
// how long to wait when there is no room.
func (l *Limits) failures(ctx context.Context, name string, wanted int) time.Duration {
	if l.rates[chat.Logins] <= 0 || !l.c.Up() {
		return 0
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), callTimeout) // going away saves nobody a failure
	defer cancel()
	k := &call{script: limitScript, keys: []string{keyLimit(chat.Failures, name)}, args: []any{1 / failuresEvery.Seconds(), failuresBurst, wanted}}
	if err := pipeline(ctx, l.c.r.c, []*call{k}); err != nil {
		l.c.unwell("failures", err)
		return 0
	}
	reply, _ := k.cmd.Val().([]any)
	if len(reply) != 2 || number(reply[0]) > 0 {
		return 0
	}
	return time.Duration(number(reply[1])) * time.Millisecond
}
