package config

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"flag"
	"io"
	"os"
	"reflect"
	"strconv"
	"strings"

	"github.com/tieline/tieline/pkg/chat"
)

// Error is a setting or an argument that cannot be used. It is one line for
// standard error; the program then exits with code 2.
type Error struct {
	Setting string // as the operator wrote it: "TIELINE_DRAIN" or "--drain"
	Problem string // "missing" or "unknown"; empty where the value is malformed
	Value   string // what was given; never that of a secret
	Want    string // what is expected instead
}

func (e *Error) Error() string {
	text := e.Setting + ": "
	if e.Problem != "" {
		text += e.Problem + ": "
	}
	if e.Value != "" {
		text += strconv.Quote(e.Value) + ": "
	}
	return text + "expected " + e.Want
}

// Load reads the settings from flags in args and, where there is no flag, from
// environ (as of os.Environ); an empty value is as good as none. The flags of
// the command itself, if it has any, are already in flags, which may be nil;
// the arguments that are no flags are returned.
// The error is flag.ErrHelp where help was asked for, else an *Error.
func Load(flags *flag.FlagSet, args, environ []string) (*Config, []string, error) {
	if flags == nil {
		flags = flag.NewFlagSet("", flag.ContinueOnError)
	}
	given := map[string]source{}
	for _, f := range settings() {
		flags.Func(f.flag(), f.doc, func(v string) error {
			given[f.env] = source{"--" + f.flag(), v}
			return nil // judged below, in words of ours: those of package flag would show a secret
		})
	}
	rest, err := Args(flags, args)
	if err != nil {
		return nil, nil, err
	}
	if err := addEnviron(given, environ); err != nil {
		return nil, nil, err
	}
	var c Config
	for _, f := range settings() {
		if err := f.fill(&c, given[f.env]); err != nil {
			return nil, nil, err
		}
	}
	if err := c.complete(); err != nil {
		return nil, nil, err
	}
	return &c, rest, nil
}

// Args parses flags wherever they stand among the arguments, as in
// `user add NAME --admin`, and returns the other arguments; what follows "--"
// is never a flag. The error is as that of Load.
func Args(flags *flag.FlagSet, args []string) (rest []string, err error) {
	flags.Init(flags.Name(), flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	for {
		if err := flags.Parse(args); err != nil {
			return nil, inOurWords(err)
		}
		used := len(args) - flags.NArg()
		if used > 0 && args[used-1] == "--" {
			return append(rest, flags.Args()...), nil
		}
		if flags.NArg() == 0 {
			return rest, nil
		}
		rest, args = append(rest, flags.Arg(0)), flags.Args()[1:]
	}
}

// source is a value and where it came from.
type source struct{ name, value string }

// addEnviron adds our variables of environ to what was given, where no flag was;
// one that is not a setting is an error, but for those of the tests.
func addEnviron(given map[string]source, environ []string) error {
	known := map[string]bool{}
	for _, f := range settings() {
		known[f.env] = true
	}
	for _, e := range environ {
		name, value, _ := strings.Cut(e, "=")
		switch {
		case !strings.HasPrefix(name, "TIELINE_"), strings.HasPrefix(name, "TIELINE_TEST_"):
		case known[name]:
			if _, flag := given[name]; !flag {
				given[name] = source{name, value}
			}
		case strings.HasPrefix(name, "TIELINE_PORT"), strings.HasPrefix(name, "TIELINE_SERVICE_"):
			return &Error{Setting: name, Problem: "unknown", Want: "enableServiceLinks: false in the pod, as Kubernetes sets this for a service named tieline"}
		default:
			return &Error{Setting: name, Problem: "unknown", Want: "a setting that `tieline serve --help` lists"}
		}
	}
	return nil
}

// inOurWords turns an error of package flag into ours.
func inOurWords(err error) error {
	if errors.Is(err, flag.ErrHelp) {
		return err
	}
	text := strings.ReplaceAll(err.Error(), "\n", " ")
	if name, ok := strings.CutPrefix(text, "flag provided but not defined: -"); ok {
		return &Error{Setting: "--" + strings.TrimLeft(name, "-"), Problem: "unknown", Want: "a flag that --help lists"}
	}
	if name, ok := strings.CutPrefix(text, "flag needs an argument: -"); ok {
		return &Error{Setting: "--" + name, Problem: "missing", Want: "a value"}
	}
	return &Error{Setting: "arguments", Value: text, Want: "what --help shows"}
}

// complete checks what no setting can check alone, and names the node.
func (c *Config) complete() error {
	if c.WebhookURL != "" && c.WebhookSecret == "" {
		return &Error{Setting: "TIELINE_WEBHOOK_SECRET", Problem: "missing", Want: "a secret, as TIELINE_WEBHOOK_URL is set"}
	}
	if c.NodeID == "" {
		c.NodeID = nodeName()
	}
	return nil
}

// nodeName makes a name that no other node has, also one on this host.
func nodeName() chat.NodeID {
	host, _ := os.Hostname()
	host = strings.Map(func(r rune) rune {
		if !nodeRune(r) {
			return '-'
		}
		return r
	}, host)
	var b [4]byte
	rand.Read(b[:]) // never fails (crypto/rand)
	return chat.NodeID(host[:min(len(host), 48)] + "-" + hex.EncodeToString(b[:]))
}

// setting is one field of Config with its tags.
type setting struct {
	index                  int
	kind                   reflect.Type
	env, value, empty, doc string
	form, oneof, least     string
}

// settings lists the fields of Config in order.
func settings() []setting {
	t := reflect.TypeFor[Config]()
	list := make([]setting, t.NumField())
	for i := range list {
		f := t.Field(i)
		list[i] = setting{i, f.Type, f.Tag.Get("env"), f.Tag.Get("default"), f.Tag.Get("empty"),
			f.Tag.Get("doc"), f.Tag.Get("form"), f.Tag.Get("oneof"), f.Tag.Get("min")}
	}
	return list
}

// flag returns the setting's name as a flag, without the dashes.
func (f *setting) flag() string {
	return strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(f.env, "TIELINE_")), "_", "-")
}

// secret reports whether the value must not be shown.
func (f *setting) secret() bool { return f.kind == reflect.TypeFor[Secret]() }
