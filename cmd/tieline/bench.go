package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/tieline/tieline/pkg/bench"
	"github.com/tieline/tieline/pkg/config"
)

func runBench(ctx context.Context, args []string) error {
	o := bench.Options{Progress: os.Stderr}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	asJSON := flags.Bool("json", false, "print JSON instead of a table")
	scenarios := flags.String("scenario", "dm", "comma-separated: dm, idle")
	flags.DurationVar(&o.Duration, "duration", 10*time.Second, "length of each measured window")
	flags.StringVar(&o.Users, "users", "", "file of what tieline token printed; else it signs its accounts up")
	flags.IntVar(&o.Pairs, "pairs", 0, "dm: senders, and as many receivers")
	flags.IntVar(&o.Rate, "rate", 0, "dm: paced messages a second")
	flags.IntVar(&o.Window, "window", 0, "dm: messages of a pair under way when saturated")
	flags.IntVar(&o.Body, "body", 0, "dm: bytes of a message's text")
	flags.IntVar(&o.Conns, "conns", 0, "idle: connections")
	flags.Func("pid", "NAME=PID of a process on this machine whose CPU to read (repeat)", func(s string) error {
		p, err := bench.ParseProcess(s)
		o.Processes = append(o.Processes, p)
		return err
	})
	rest, err := config.Args(flags, args)
	if errors.Is(err, flag.ErrHelp) {
		flags.SetOutput(os.Stdout)
		flags.PrintDefaults()
		return nil
	}
	if err != nil {
		return err
	}
	o.Scenarios = strings.Split(*scenarios, ",")
	if o.URLs = rest; len(rest) == 0 {
		return usage(commands()["bench"].usage)
	}
	report, err := bench.Run(ctx, o)
	if err != nil {
		return err
	}
	if *asJSON {
		return json.NewEncoder(os.Stdout).Encode(report)
	}
	fmt.Print(report.Table())
	return nil
}
