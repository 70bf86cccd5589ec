package cluster

import (
	"context"
	"embed"
	"strings"

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
	scripts        = []*redis.Script{claimScript, releaseScript, renewScript, appendScript, pageScript, receivedScript, devicesScript, leaseScript, limitScript}
)

func load(name string) *redis.Script {
	b, err := sources.ReadFile("lua/" + name + ".lua")
	if err != nil {
		panic(err) // the file is part of the program
	}
	return redis.NewScript(string(b))
}

// call is one script to run in a pipeline.
type call struct {
	script *redis.Script
	keys   []string
	args   []any
	cmd    *redis.Cmd
}

// pipeline runs the calls together and sets each one's cmd. A pipelined EVALSHA
// never falls back by itself, so those that met a server without the scripts
// (restarted, or flushed) are sent again once it has them. Calls that failed
// for another reason keep their error; the first one is returned. Also adds
// plain commands, which are sent once.
func pipeline(ctx context.Context, c redis.UniversalClient, calls []*call, also ...func(redis.Pipeliner)) error {
	if err := exec(ctx, c, calls, also...); err == nil || !noScript(err) {
		return err
	}
	for _, s := range scripts {
		if err := s.Load(ctx, c).Err(); err != nil {
			return err
		}
	}
	var again []*call
	for _, k := range calls {
		if noScript(k.cmd.Err()) {
			again = append(again, k)
		}
	}
	if err := exec(ctx, c, again); err != nil {
		return err
	}
	for _, k := range calls {
		if err := k.cmd.Err(); err != nil {
			return err
		}
	}
	return nil
}

func exec(ctx context.Context, c redis.UniversalClient, calls []*call, also ...func(redis.Pipeliner)) error {
	p := c.Pipeline()
	for _, add := range also {
		add(p)
	}
	for _, k := range calls {
		k.cmd = k.script.EvalSha(ctx, p, k.keys, k.args...)
	}
	_, err := p.Exec(ctx)
	return err
}

func noScript(err error) bool {
	return err != nil && strings.HasPrefix(err.Error(), "NOSCRIPT")
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
