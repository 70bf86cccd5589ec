package bench

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// subBits is how many bits of a duration are kept: buckets are at most 1/128
// wide, under one percent.
const subBits = 7

// histogram counts durations of nanoseconds to hours. Any number of goroutines
// may add to it at once.
type histogram struct {
	buckets [(64 - subBits) << subBits]atomic.Int64
}

func bucketOf(v int64) int {
	v = max(v, 0)
	shift := max(bits.Len64(uint64(v))-subBits-1, 0)
	return shift<<subBits + int(v>>shift)
}

// valueOf is the upper end of a bucket.
func valueOf(bucket int) int64 {
	shift := max(bucket>>subBits-1, 0)
	return int64(bucket-shift<<subBits+1)<<shift - 1
}

func (h *histogram) add(v int64) { h.buckets[bucketOf(v)].Add(1) }

// quantiles returns the durations below which these parts (0 to 1, ascending)
// of all lie, and how many there are in all.
func (h *histogram) quantiles(parts ...float64) (at []time.Duration, n int64) {
	for i := range h.buckets {
		n += h.buckets[i].Load()
	}
	at = make([]time.Duration, len(parts))
	seen, next := int64(0), 0
	for i := range h.buckets {
		seen += h.buckets[i].Load()
		for next < len(parts) && n > 0 && float64(seen) >= parts[next]*float64(n) {
			at[next] = time.Duration(valueOf(i))
			next++
		}
	}
	return at, n
}
