package config

import (
	"fmt"
	"strings"
)

// Usage returns the text of `tieline serve --help`: every setting, as a flag
// and as an environment variable, with its default.
func Usage() string {
	var b strings.Builder
	b.WriteString(`Usage: tieline serve [flags]

Runs one node. Every setting is a flag or an environment variable; the flag wins.

`)
	for _, f := range settings() {
		fmt.Fprintf(&b, "  --%s, %s (%s)\n      %s\n", f.flag(), f.env, f.fallback(), f.doc)
	}
	return b.String()
}

// Table returns the settings as a table in Markdown, as the README shows it.
func Table() string {
	var b strings.Builder
	b.WriteString("| setting | default | meaning |\n| --- | --- | --- |\n")
	for _, f := range settings() {
		value := f.fallback()
		if f.value != "" {
			value = "`" + value + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", f.env, value, f.doc)
	}
	return b.String()
}

// fallback returns what an absent value stands for.
func (f *setting) fallback() string {
	if f.value == "" {
		return "empty: " + f.empty
	}
	return f.value
}
