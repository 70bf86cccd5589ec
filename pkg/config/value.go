package config

import (
	"log/slog"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// encoded ends what is expected of a URL that may hold a password: the
// character at fault cannot be shown.
const encoded = " (special characters of a password as %XX)"

// forms are the shapes that a text may be asked to have.
var forms = map[string]struct {
	want string
	ok   func(string) bool
}{
	"listen":   {"host:port, as in 127.0.0.1:8080 or :8080", isListen},
	"redis":    {"redis://host:port, rediss://host:port, redis-sentinel://host:port,host:port/0?master=NAME or redis-cluster://host:port,host:port" + encoded, isRedis},
	"database": {"mysql://user:pass@host:3306/name or sqlite:///path" + encoded, func(s string) bool { return isMySQL(s) || isPath(s, "sqlite") }},
	"smtp":     {"smtp://user:pass@host:port?from=ADDRESS or smtps://" + encoded, isSMTP},
	"media":    {"file:///path or s3://bucket?endpoint=URL&region=NAME" + encoded, func(s string) bool { return hasHost(s, "s3") || isPath(s, "file") }},
	"http":     {"http://host/path or https://host/path", func(s string) bool { return hasHost(s, "http", "https") }},
	"key":      {"32 bytes or more", func(s string) bool { return len(s) >= 32 }},
	"node":     {"at most 64 letters, digits, dots, dashes or underscores", isNode},
}

// fill sets the field to what was given, or to its default.
func (f *setting) fill(c *Config, given source) error {
	text := given.value
	if text == "" {
		text = f.value
	}
	if text == "" {
		return nil
	}
	want := f.set(reflect.ValueOf(c).Elem().Field(f.index), text)
	switch {
	case want == "":
		return nil
	case f.secret():
		return &Error{Setting: given.name, Want: want + "; the value given is not shown"}
	}
	return &Error{Setting: given.name, Value: text, Want: want}
}

// set parses text into the field, or says what it wants instead.
func (f *setting) set(field reflect.Value, text string) (want string) {
	if f.oneof != "" && !slices.Contains(strings.Split(f.oneof, ","), text) {
		return strings.ReplaceAll(f.oneof, ",", ", ")
	}
	if form, ok := forms[f.form]; ok && !form.ok(text) {
		return form.want
	}
	ok := true
	switch p := field.Addr().Interface().(type) {
	case *bool:
		*p = text == "on"
	case *slog.Level:
		ok, want = p.UnmarshalText([]byte(text)) == nil, f.oneof
	case *int:
		*p, ok = atLeast(text, f.least, strconv.Atoi)
		want = "a whole number from " + f.least
	case *time.Duration:
		*p, ok = atLeast(text, f.least, time.ParseDuration)
		want = "a duration from " + f.least + ", as in 20s, 5m or 1h30m"
	case *[]string:
		*p, ok = each(text, origin)
		want = "origins as in https://chat.example.org, comma separated"
	case *[]netip.Prefix:
		*p, ok = each(text, network)
		want = "networks or addresses as in 10.0.0.0/8, comma separated"
	default:
		field.SetString(text)
	}
	if ok {
		return ""
	}
	return want
}

// atLeast parses a number of some kind and reports whether it is one, and none
// below least.
func atLeast[N int | time.Duration](text, least string, parse func(string) (N, error)) (N, bool) {
	n, err := parse(text)
	lo, _ := parse(least)
	return n, err == nil && n >= lo
}

// each parses the items of a comma separated list and reports whether all are
// well formed; spaces around them do not matter.
func each[T any](text string, parse func(string) (T, bool)) ([]T, bool) {
	var list []T
	for item := range strings.SplitSeq(text, ",") {
		v, ok := parse(strings.TrimSpace(item))
		if !ok {
			return nil, false
		}
		list = append(list, v)
	}
	return list, true
}

// origin accepts what a browser sends as Origin, a scheme and a host without a
// path, and forgives a slash at its end.
func origin(s string) (string, bool) {
	s = strings.TrimSuffix(s, "/")
	u, err := url.Parse(s)
	return s, err == nil && u.Hostname() != "" && s == u.Scheme+"://"+u.Host
}

// network accepts a network, or an address as a network of one.
func network(s string) (netip.Prefix, bool) {
	if a, err := netip.ParseAddr(s); err == nil {
		return netip.PrefixFrom(a, a.BitLen()), true
	}
	p, err := netip.ParsePrefix(s)
	return p.Masked(), err == nil
}

func isListen(s string) bool {
	_, port, err := net.SplitHostPort(s)
	_, notPort := strconv.ParseUint(port, 10, 16)
	return err == nil && notPort == nil
}

func isRedis(s string) bool {
	u, err := url.Parse(s)
	if err != nil || !hasHost(s, "redis", "rediss", "redis-sentinel", "redis-cluster") {
		return false
	}
	one := !strings.Contains(u.Host, ",")
	switch u.Scheme {
	case "redis-sentinel":
		return u.Query().Get("master") != ""
	case "redis-cluster":
		return true
	}
	return one
}

func isSMTP(s string) bool {
	u, err := url.Parse(s)
	if err != nil || !hasHost(s, "smtp", "smtps") {
		return false
	}
	from := u.Query().Get("from")
	_, err = mail.ParseAddress(from)
	return from == "" || err == nil
}

// isMySQL reports whether s is the URL of a database on a server.
func isMySQL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && hasHost(s, "mysql") && len(u.Path) > 1
}

// hasHost reports whether s is a URL of one of the schemes and names a host.
func hasHost(s string, schemes ...string) bool {
	u, err := url.Parse(s)
	return err == nil && slices.Contains(schemes, u.Scheme) && u.Hostname() != ""
}

// isPath reports whether s is a URL of the scheme that names a local path.
func isPath(s, scheme string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Scheme == scheme && u.Host == "" && len(u.Path) > 1
}

func isNode(s string) bool {
	return len(s) <= 64 && strings.IndexFunc(s, func(r rune) bool { return !nodeRune(r) }) < 0
}

// nodeRune reports whether r may stand in a node's name, which goes into paths
// and Redis keys.
func nodeRune(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune(".-_", r)
}
