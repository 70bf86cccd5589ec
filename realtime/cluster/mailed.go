package cluster

import (
	"context"
	"time"

	"github.com/tieline/tieline/pkg/chat"
)

// PutMailedCode keeps a code that is about to be sent by e-mail for a time and
// so many wrong tries, in the place of an earlier one. RateLimited when another
// mail for the same purpose went to the address less than pause ago.
func (c *Cluster) PutMailedCode(ctx context.Context, code chat.MailedCode, ttl, pause time.Duration, tries int) error {
	wait, err := c.runPlain(ctx, &call{
		script: putCode, keys: []string{keyMail(&code, "sent"), keyMail(&code, "code")},
		args: []any{chat.NewID(), code.Hash, ttl.Milliseconds(), pause.Milliseconds(), tries},
	})
	if err == nil && wait > 0 {
		err = &chat.Error{Kind: chat.RateLimited, Op: "cluster.put_code", Retry: time.Duration(wait) * time.Millisecond}
	}
	return err
}

// CheckMailedCode reports whether a code is the one that was sent; a wrong one
// costs a try.
func (c *Cluster) CheckMailedCode(ctx context.Context, code chat.MailedCode) (bool, error) {
	right, err := c.runPlain(ctx, &call{script: checkCode, keys: []string{keyMail(&code, "code")}, args: []any{code.Hash}})
	return right == 1, err
}

// UseMailedCode uses a code up; it is no error when it was used before.
func (c *Cluster) UseMailedCode(ctx context.Context, code chat.MailedCode) error {
	_, err := c.runPlain(ctx, &call{script: useCode, keys: []string{keyMail(&code, "code")}, args: []any{code.Hash}})
	return err
}

// ForgetMailedCode undoes PutMailedCode: the mail was not sent.
func (c *Cluster) ForgetMailedCode(ctx context.Context, code chat.MailedCode) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return c.unwell("forget code", c.r.c.Del(ctx, keyMail(&code, "sent"), keyMail(&code, "code")).Err())
}

// runPlain runs a script that has nothing to do with generations, and returns the
// number that it answers.
func (c *Cluster) runPlain(ctx context.Context, k *call) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if err := pipeline(ctx, c.r.c, []*call{k}); err != nil {
		return 0, c.unwell("code", err)
	}
	return number(k.cmd.Val()), nil
}
