package cluster

import (
	"context"
	"embed"
	"time"

	"github.com/redis/go-redis/v9"
)

//go:embed lua/*.lua
var sources embed.FS

// The scripts, one file each; what they take and return stands at their top.
var (
	claimScript    = load("claim")
	releaseScript  = load("release")
	renewScript    = load("renew")
	appendScript   = load("append")
	pageScript     = load("page")
	receivedScript = load("received")
	devicesScript  = load("devices")
	leaseScript    = load("lease")
	limitScript    = load("limit")
	purgeScript    = load("purge")
	relogScript    = load("relog")
	putCode        = load("putcode")
	checkCode      = load("checkcode")
	useCode        = load("usecode")
	scriptTexts    []string // of all of them
)

func load(name string) *redis.Script {
	b, err := sources.ReadFile("lua/" + name + ".lua")
	if err != nil {
		panic(err) // the file is part of the program
	}
	scriptTexts = append(scriptTexts, string(b))
	return redis.NewScript(string(b))
}

// loadScripts gives servers the scripts before they are asked to run them, which
// saves sending each one's text with a first call.
func loadScripts(ctx context.Context, c redis.UniversalClient) error {
	all := func(ctx context.Context, one redis.Cmdable) error {
		p := one.Pipeline()
		for _, text := range scriptTexts {
			p.ScriptLoad(ctx, text)
		}
		_, err := p.Exec(ctx)
		return err
	}
	if cc, ok := c.(*redis.ClusterClient); ok {
		return cc.ForEachMaster(ctx, func(ctx context.Context, m *redis.Client) error { return all(ctx, m) })
	}
	return all(ctx, c)
}

// call is one script to run in a pipeline.
type call struct {
	script *redis.Script
	keys   []string
	args   []any
	cmd    *redis.Cmd
}

// pipeline runs the calls together and sets each one's cmd. Those that a server
// has turned away unexecuted are sent again: with the text of the script where
// it was missing (on a server that was restarted, flushed, or is a master since
// a moment ago), and after a moment where a slot is on its way to another
// server. Calls that failed for another reason keep their error; the first one
// is returned. Also adds plain commands, which are sent once.
func pipeline(ctx context.Context, c redis.UniversalClient, calls []*call, also ...func(redis.Pipeliner)) error {
	pause := newBackoff(10*time.Millisecond, 100*time.Millisecond)
	err := exec(ctx, c, calls, nil, also...)
	for ctx.Err() == nil {
		var missing, moving []*call
		for _, k := range calls {
			switch turnedAway(k.cmd.Err()) {
			case missingScript:
				missing = append(missing, k)
			case movingSlot:
				moving = append(moving, k)
			}
		}
		if len(missing)+len(moving) == 0 {
			break
		}
		if len(moving) > 0 {
			pause.wait(ctx)
		}
		exec(ctx, c, moving, missing)
	}
	for _, k := range calls {
		if err := k.cmd.Err(); err != nil {
			return err
		}
	}
	return err
}

// exec sends calls, some of them with the texts of their scripts, and returns the
// first error among the other commands.
func exec(ctx context.Context, c redis.UniversalClient, calls, whole []*call, also ...func(redis.Pipeliner)) error {
	p := c.Pipeline()
	for _, add := range also {
		add(p)
	}
	others := p.Len()
	for _, k := range calls {
		k.cmd = k.script.EvalSha(ctx, p, k.keys, k.args...)
	}
	for _, k := range whole {
		k.cmd = k.script.Eval(ctx, p, k.keys, k.args...)
	}
	cmds, _ := p.Exec(ctx) // every command has its own error
	for _, cmd := range cmds[:min(others, len(cmds))] {
		if err := cmd.Err(); err != nil {
			return err
		}
	}
	return nil
}

// Why a server did not execute a command that it can, in a moment.
const (
	missingScript = iota + 1
	movingSlot
)

func turnedAway(err error) int {
	switch {
	case err == nil:
	case redis.HasErrorPrefix(err, "NOSCRIPT"):
		return missingScript
	case redis.HasErrorPrefix(err, "TRYAGAIN"):
		return movingSlot
	}
	return 0
}

// texts reads a script's array of strings; numbers are written as such.
func texts(v any) []string {
	list, _ := v.([]any)
	out := make([]string, len(list))
	for i, e := range list {
		out[i] = text(e)
	}
	return out
}
