package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/tieline/tieline/pkg/account"
	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/config"
	"github.com/tieline/tieline/pkg/moderation"
	"github.com/tieline/tieline/pkg/store"
	"github.com/tieline/tieline/realtime/cluster"
)

// desk is what the commands for operators work with: the database, and Redis
// where it can be reached, so that running nodes hear of it at once.
type desk struct {
	cfg      *config.Config
	db       *store.DB
	redis    *cluster.Redis
	cluster  *cluster.Cluster // nil: no Redis
	accounts *account.Accounts
	log      *moderation.Desk // of what is done here
}

// attachWithin is how long a command looks for Redis.
const attachWithin = 3 * time.Second

func openDesk(ctx context.Context, flags *flag.FlagSet, args []string) (*desk, []string, error) {
	cfg, rest, err := config.Load(flags, args, os.Environ())
	if err != nil {
		return nil, nil, err
	}
	d := &desk{cfg: cfg}
	log := newLog(cfg)
	if d.db, err = openStore(ctx, cfg, log); err != nil {
		return nil, nil, err
	}
	if cfg.Migrate {
		if err := d.db.Migrate(ctx); err != nil {
			d.Close()
			return nil, nil, err
		}
	}
	url := string(cfg.RedisURL)
	if url == "" {
		url = readRedisNote(cfg)
	}
	var registry account.Registry
	if url != "" {
		if d.redis, err = cluster.Open(url); err != nil {
			d.Close()
			return nil, nil, err
		}
		c := cluster.New(d.redis, clusterOptions(cfg, d.db, log, ""))
		within, cancel := context.WithTimeout(ctx, attachWithin)
		err := c.Attach(within)
		cancel()
		if err == nil {
			d.cluster, registry = c, c
		} else if cfg.RedisURL != "" {
			log.Warn("Redis cannot be reached: running nodes hear of this when it is back", "error", err)
		}
	}
	key, err := tokenKey(cfg)
	if err != nil {
		d.Close()
		return nil, nil, err
	}
	d.accounts = account.New(store.NewAccounts(d.db), registry, accountOptions(cfg, key, log))
	d.log = moderation.New(store.NewReports(d.db), store.NewAudit(d.db))
	return d, rest, nil
}

// note writes down what a command is about to do; with an error it must not.
func (d *desk) note(ctx context.Context, action, target, detail string) error {
	return d.log.Note(ctx, chat.Deed{Actor: chat.Operator, Action: action, Target: target, Detail: detail})
}

func (d *desk) Close() {
	if d.redis != nil {
		d.redis.Close()
	}
	d.db.Close()
}

const userHelp = `Makes and looks after accounts; running nodes act on it at once.

  user add NAME [--email E] [--phone P] [--admin] [--vip-days N]   the password comes from standard input
  user disable NAME     signs out everywhere, and stays out
  user enable NAME      may sign in again
  user kick NAME        signs out everywhere, may sign in again
  user import FILE|-    JSON lines {username, nickname?, email?, phone?, password? or password_hash?}`

func user(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return usage(commands()["user"].usage)
	}
	verb := args[0]
	flags := flag.NewFlagSet("user", flag.ContinueOnError)
	var n account.Addition
	if verb == "add" {
		flags.StringVar(&n.Email, "email", "", "e-mail address")
		flags.StringVar(&n.Phone, "phone", "", "phone number")
		flags.BoolVar(&n.Admin, "admin", false, "is an administrator")
		flags.IntVar(&n.VIPDays, "vip-days", 0, "is a VIP for so many days")
	}
	switch verb {
	case "add", "disable", "enable", "kick", "import":
	default:
		return usage(commands()["user"].usage)
	}
	d, rest, err := openDesk(ctx, flags, args[1:])
	if err != nil {
		return err
	}
	defer d.Close()
	if len(rest) != 1 {
		return usage(commands()["user"].usage)
	}
	switch verb {
	case "add":
		n.Username = rest[0]
		return d.add(ctx, n)
	case "import":
		return d.importUsers(ctx, rest[0])
	}
	u, err := d.accounts.Named(ctx, rest[0])
	if err != nil {
		return fmt.Errorf("%s: %s", rest[0], sentence(err))
	}
	if err := d.note(ctx, "user."+verb, string(u.ID), u.Username); err != nil {
		return err
	}
	switch verb {
	case "disable":
		return d.accounts.SetDisabled(ctx, u.ID, true)
	case "enable":
		return d.accounts.SetDisabled(ctx, u.ID, false)
	}
	return d.accounts.Kick(ctx, u.ID)
}

func (d *desk) add(ctx context.Context, n account.Addition) error {
	if isTerminal(os.Stdin) {
		fmt.Fprintln(os.Stderr, "password (one line on standard input):")
	}
	line, err := bufio.NewReader(os.Stdin).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	n.Password = strings.TrimRight(line, "\r\n")
	if err := d.note(ctx, "user.add", n.Username, fmt.Sprintf("admin %t, vip days %d", n.Admin, n.VIPDays)); err != nil {
		return err
	}
	u, err := d.accounts.Add(ctx, n)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(map[string]string{"username": u.Username, "id": string(u.ID)})
}

// importUsers prints a line for each line: {username, id} or {username, error}.
func (d *desk) importUsers(ctx context.Context, name string) error {
	in := os.Stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		in = f
	}
	if err := d.note(ctx, "user.import", name, ""); err != nil {
		return err
	}
	out := bufio.NewWriter(os.Stdout)
	print := json.NewEncoder(out)
	err := d.accounts.Import(ctx, in, func(i account.Imported) error {
		if i.Err != nil {
			return print.Encode(map[string]any{"username": i.Username, "line": i.Line, "error": sentence(i.Err)})
		}
		return print.Encode(map[string]string{"username": i.Username, "id": string(i.ID)})
	})
	return errors.Join(err, out.Flush())
}

const tokenHelp = `Signs a new device in for each name and prints its access token, for bots and load tests.

  --platform P   web, ios, android or desktop (the default)
  --ttl D        how long the tokens are good; default: TIELINE_ACCESS_TTL
Names come as arguments, or one a line on standard input.`

func token(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("token", flag.ContinueOnError)
	platform := flags.String("platform", string(chat.Desktop), "platform of the devices")
	ttl := flags.Duration("ttl", 0, "how long the tokens are good")
	d, names, err := openDesk(ctx, flags, args)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.cfg.CheckKey(); err != nil {
		return err
	}
	if len(names) == 0 {
		in := bufio.NewScanner(os.Stdin)
		for in.Scan() {
			if name := strings.TrimSpace(in.Text()); name != "" {
				names = append(names, name)
			}
		}
		if err := in.Err(); err != nil {
			return err
		}
	}
	if err := d.note(ctx, "token.issue", fmt.Sprintf("%d names", len(names)), strings.Join(names, " ")); err != nil {
		return err
	}
	out := bufio.NewWriter(os.Stdout)
	print, failed := json.NewEncoder(out), 0
	err = d.accounts.Issue(ctx, names, chat.Platform(*platform), *ttl, func(i account.Issued) error {
		if i.Err != nil {
			failed++
			fmt.Fprintf(os.Stderr, "tieline: %s: %s\n", i.Username, sentence(i.Err))
			return nil
		}
		return print.Encode(map[string]string{
			"username": i.Username, "user": string(i.User), "device": string(i.Device),
			"access_token": i.AccessToken, "expires_at": i.ExpiresAt.UTC().Format(time.RFC3339),
		})
	})
	if err = errors.Join(err, out.Flush()); err == nil && failed > 0 {
		err = fmt.Errorf("%d of %d names got no token", failed, len(names))
	}
	return err
}

func code(ctx context.Context, args []string) error {
	if len(args) == 0 || args[0] != "create" {
		return usage(commands()["code"].usage)
	}
	flags := flag.NewFlagSet("code", flag.ContinueOnError)
	var o account.CodeOrder
	kind := flags.String("kind", "", "vip or invite")
	flags.IntVar(&o.Count, "count", 1, "how many")
	flags.IntVar(&o.VIPDays, "vip-days", 0, "days that a VIP code adds")
	flags.DurationVar(&o.TTL, "ttl", 0, "how long the codes are good; 0: for good")
	d, rest, err := openDesk(ctx, flags, args[1:])
	if err != nil {
		return err
	}
	defer d.Close()
	if len(rest) > 0 || *kind == "" {
		return usage(commands()["code"].usage)
	}
	o.Kind = chat.CodeKind(*kind)
	if err := d.note(ctx, "code.create", *kind, fmt.Sprintf("count %d, vip days %d, ttl %v", o.Count, o.VIPDays, o.TTL)); err != nil {
		return err
	}
	codes, err := d.accounts.CreateCodes(ctx, o)
	if err != nil {
		return err
	}
	for _, c := range codes {
		fmt.Println(c)
	}
	return nil
}
