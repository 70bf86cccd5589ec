package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/config"
	"github.com/tieline/tieline/pkg/verify"
)

// verification is what the command line of verify says.
type verification struct {
	verify.Options
	evidence string // a file to write
	replay   string // a file to check, instead of driving anything
	asJSON   bool
}

func (v *verification) flags() *flag.FlagSet {
	flags := flag.NewFlagSet("verify", flag.ContinueOnError)
	flags.BoolVar(&v.asJSON, "json", false, "print JSON instead of a table")
	flags.DurationVar(&v.Duration, "duration", 30*time.Second, "length of the traffic")
	flags.StringVar(&v.Users, "users", "", "file of what tieline token printed; else it signs its accounts up")
	flags.IntVar(&v.People, "people", 0, "who write to each other; default: 6, or all of --users")
	flags.IntVar(&v.Kicked, "kicked", 0, "who sign each other's devices out; default: 2, and with --users nobody")
	flags.Float64Var(&v.Rate, "rate", 3, "messages a second of each device")
	flags.DurationVar(&v.Settle, "settle", 30*time.Second, "how long what was missed may take to arrive in the end")
	flags.StringVar((*string)(&v.Sessions), "sessions", "", "TIELINE_SESSIONS of the nodes; default: finds out")
	flags.BoolVar(&v.RedisMayBeLost, "redis-may-be-lost", false, "Redis will lose something: what then comes again is counted, and no fault")
	flags.StringVar(&v.evidence, "evidence", "", "file to write everything that happens to, as JSON lines")
	flags.StringVar(&v.replay, "replay", "", "check the evidence in this file again, and drive nothing")
	return flags
}

func runVerify(ctx context.Context, args []string) error {
	v := verification{Options: verify.Options{Progress: os.Stderr}}
	flags := v.flags()
	rest, err := config.Args(flags, args)
	if errors.Is(err, flag.ErrHelp) {
		flags.SetOutput(os.Stdout)
		flags.PrintDefaults()
		return nil
	}
	if err != nil {
		return err
	}
	v.URLs = rest
	if (len(rest) == 0) == (v.replay == "") {
		return usage(commands()["verify"].usage)
	}
	switch v.Sessions {
	case "", chat.Multi, chat.PerPlatform, chat.Single:
	default:
		return &config.Error{Setting: "--sessions", Value: string(v.Sessions), Want: "multi, per_platform or single"}
	}
	report, err := v.report(ctx)
	if err != nil {
		return err
	}
	if v.asJSON {
		err = json.NewEncoder(os.Stdout).Encode(report)
	} else {
		_, err = fmt.Print(report.Table())
	}
	if err == nil && !report.Pass {
		err = fmt.Errorf("%d promises were broken", len(report.Violations))
	}
	return err
}

// report drives the nodes, or reads what a run wrote.
func (v *verification) report(ctx context.Context) (verify.Report, error) {
	if v.replay != "" {
		f, err := os.Open(v.replay)
		if err != nil {
			return verify.Report{}, err
		}
		defer f.Close()
		h, err := verify.ReadHistory(f)
		if err != nil {
			return verify.Report{}, fmt.Errorf("%s: %w", v.replay, err)
		}
		h[0].Lossy = h[0].Lossy || v.RedisMayBeLost
		return verify.Judge(h), nil
	}
	if v.evidence == "" {
		return verify.Run(ctx, v.Options)
	}
	f, err := os.OpenFile(v.evidence, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return verify.Report{}, err
	}
	v.Evidence = f
	report, err := verify.Run(ctx, v.Options)
	return report, errors.Join(err, f.Close())
}
