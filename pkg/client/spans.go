package client

// maxSpans bounds what is remembered of one conversation. Beyond it the lowest
// part is forgotten, so that at worst something old is handed on twice.
const maxSpans = 64

// span is a run of seqs, both ends included.
type span struct{ from, to int64 }

// spans is a set of seqs as sorted runs that do not touch.
type spans []span

// has reports whether a seq is in the set.
func (s spans) has(seq int64) bool {
	for i := len(s) - 1; i >= 0 && s[i].to >= seq; i-- {
		if s[i].from <= seq {
			return true
		}
	}
	return false
}

// add puts a run into the set. It looks from the top, where new seqs are.
func (s *spans) add(from, to int64) {
	set := *s
	hi := len(set) // set[hi:] lies above the run, untouched by it
	for hi > 0 && set[hi-1].from > to+1 {
		hi--
	}
	lo := hi // set[lo:hi] touches it
	for lo > 0 && set[lo-1].to >= from-1 {
		lo--
		from, to = min(from, set[lo].from), max(to, set[lo].to)
	}
	if lo < hi {
		set[lo] = span{from, to}
		*s = append(set[:lo+1], set[hi:]...)
		return
	}
	set = append(set, span{})
	copy(set[lo+1:], set[lo:])
	set[lo] = span{from, to}
	if len(set) > maxSpans {
		set = append(set[:0], set[1:]...)
	}
	*s = set
}

// after returns the lowest seq above the given one that is not in the set.
func (s spans) after(seq int64) int64 {
	seq++
	for _, r := range s {
		if r.from <= seq && seq <= r.to {
			return r.to + 1
		}
	}
	return seq
}
