// Command tieline runs one chat node, and looks after the accounts and nodes of
// a cluster.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/tieline/tieline/pkg/config"
)

// version is set at build time.
var version = "dev"

// Exit codes.
const (
	exitFailed = 1
	exitUsage  = 2
)

func main() {
	time.Local = time.UTC // what is written in local time anywhere is written in UTC
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:]))
}

// run runs one command and returns the exit code.
func run(ctx context.Context, args []string) int {
	name := "serve"
	if len(args) > 0 && args[0] != "" && args[0][0] != '-' {
		name, args = args[0], args[1:]
	} else if len(args) > 0 && (args[0] == "-h" || args[0] == "--help" || args[0] == "-help") {
		name, args = "help", nil
	}
	command, ok := commands()[name]
	if !ok {
		return mistake(fmt.Errorf("there is no command %q; see tieline help", name))
	}
	err := command.run(ctx, args)
	var wrong *config.Error
	switch {
	case err == nil:
		return 0
	case errors.Is(err, flag.ErrHelp):
		fmt.Print(command.help())
		return 0
	case errors.As(err, &wrong), errors.Is(err, errUsage):
		return mistake(err)
	}
	fmt.Fprintln(os.Stderr, "tieline:", sentence(err))
	return exitFailed
}

// errUsage marks what the command line got wrong.
var errUsage = errors.New("usage")

func usage(text string) error { return fmt.Errorf("%w: tieline %s", errUsage, text) }

func mistake(err error) int {
	fmt.Fprintln(os.Stderr, "tieline:", err)
	return exitUsage
}
