package verify

import "fmt"

// Check looks for broken promises in a history. It is pure: it asks nobody, and
// the same history always gets the same answer, in the order of the rules. A
// history that ends early, without Settled devices and Pulls, is only checked
// for what it holds.
func Check(h History) []Violation {
	c := &checker{world: newWorld(h)}
	for _, rule := range []func(*checker){
		(*checker).lost, (*checker).undelivered, (*checker).twice, (*checker).ids, (*checker).conflicts,
		(*checker).places, (*checker).holes, (*checker).order, (*checker).overtaken, (*checker).strangers,
		(*checker).counts, (*checker).missedAtSync, (*checker).offsets, (*checker).gaps, (*checker).stranded,
		(*checker).told, (*checker).taken, (*checker).cameBack, (*checker).wrongKicks, (*checker).survivors,
		(*checker).readBack, (*checker).receiptsBack,
	} {
		rule(c)
	}
	return c.found
}

// checker is a check under way.
type checker struct {
	*world
	found []Violation
}

// report notes a violation. Evidence that is nil is left out.
func (c *checker) report(rule Rule, evidence []*Event, format string, args ...any) {
	v := Violation{Rule: rule, Text: fmt.Sprintf(format, args...), Evidence: []Event{}}
	for _, e := range evidence {
		if e != nil {
			v.Evidence = append(v.Evidence, *e)
		}
	}
	c.found = append(c.found, v)
}

// evidence lists events, for report.
func evidence(events ...*Event) []*Event { return events }
