package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"text/tabwriter"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/config"
	"github.com/tieline/tieline/pkg/phrase"
)

// command is one word of the command line.
type command struct {
	run   func(ctx context.Context, args []string) error
	usage string // after "tieline"
	does  string
	// settings says whether its help lists the settings.
	settings bool
}

func (c command) help() string {
	text := "tieline " + c.usage + "\n\n" + c.does + "\n"
	if c.settings {
		text += "\n" + config.Usage()
	}
	return text
}

// order is how help lists the commands.
var order = []string{"serve", "migrate", "user", "token", "code", "nodes", "bench", "verify", "version", "help"}

func commands() map[string]command {
	return map[string]command{
		"serve":   {serve, "[serve] [--SETTING VALUE …]", "Runs one node.", true},
		"migrate": {migrate, "migrate", "Brings the database up to date, and exits.", true},
		"user":    {user, "user add|disable|enable|kick NAME | user import FILE|-", userHelp, false},
		"token":   {token, "token [--platform P] [--ttl D] [NAME …]", tokenHelp, false},
		"code":    {code, "code create --kind vip|invite [--count N] [--vip-days D] [--ttl DURATION]", "Prints one-time codes, one a line. Only their hashes are kept.", false},
		"nodes":   {nodes, "nodes", "Lists the live nodes.", false},
		"bench":   {runBench, "bench URL… [flags]", "Drives load at nodes and prints a table; tieline bench --help lists the flags.", false},
		"verify":  {runVerify, "verify URL… [flags]", "Sends, disconnects, kicks and resumes at nodes, and checks every promise; tieline verify --help lists the flags.", false},
		"version": {printVersion, "version", "Prints the version.", false},
		"help":    {help, "help", "Lists the commands.", false},
	}
}

func help(context.Context, []string) error {
	fmt.Print("Tieline is a realtime messaging service that scales out on Redis.\n\n")
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	all := commands()
	for _, name := range order {
		first, _, _ := strings.Cut(all[name].does, "\n")
		fmt.Fprintf(w, "  tieline %s\t%s\n", all[name].usage, first)
	}
	w.Flush()
	fmt.Print("\nSettings are environment variables, or flags of the same names: tieline serve --help\n")
	return nil
}

func printVersion(context.Context, []string) error {
	fmt.Println("tieline", version)
	return nil
}

func serve(ctx context.Context, args []string) error {
	cfg, rest, err := config.Load(nil, args, os.Environ())
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return usage("serve takes no arguments: " + rest[0])
	}
	if err := cfg.CheckKey(); err != nil {
		return err
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(200) // a node's heap is small: a fifth less CPU for a few MB more
	}
	app, err := NewApp(ctx, cfg)
	if err != nil {
		return err
	}
	return app.Run(ctx)
}

func migrate(ctx context.Context, args []string) error {
	cfg, rest, err := config.Load(nil, args, os.Environ())
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return usage("migrate takes no arguments: " + rest[0])
	}
	db, err := openStore(ctx, cfg, newLog(cfg))
	if err != nil {
		return err
	}
	defer db.Close()
	return db.Migrate(ctx)
}

func nodes(ctx context.Context, args []string) error {
	d, _, err := openDesk(ctx, nil, args)
	if err != nil {
		return err
	}
	defer d.Close()
	if d.cluster == nil {
		return errors.New("no node is running: its Redis cannot be reached")
	}
	list, err := d.cluster.ReadNodes(ctx)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tADDRESS\tCONNECTIONS\tSESSIONS\tSINCE\tDRAINING")
	for _, n := range list {
		fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%s\t%t\n", n.ID, n.Addr, n.Connections, n.Sessions, n.Since.Format("2006-01-02T15:04:05Z"), n.Draining)
	}
	return w.Flush()
}

// sentence is what an error says to whoever typed the command.
func sentence(err error) string {
	var e *chat.Error
	if !errors.As(err, &e) {
		return err.Error()
	}
	text := phrase.English.Detail(err)
	if len(e.Fields) > 0 {
		var wrong []string
		for _, f := range e.Fields {
			wrong = append(wrong, f.Field+": "+phrase.English.Field(f))
		}
		text = strings.Join(wrong, " ")
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}
