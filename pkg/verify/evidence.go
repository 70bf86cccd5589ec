package verify

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// maxLine bounds one line of evidence: a message of the greatest length, with
// room for escapes.
const maxLine = 1 << 20

// ReadHistory reads the JSON lines that a run wrote as its evidence. A history
// whose last line is cut off, as by a full disk, is an error.
func ReadHistory(r io.Reader) (History, error) {
	var h History
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	for n := 1; lines.Scan(); n++ {
		if len(lines.Bytes()) == 0 {
			continue
		}
		var e Event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return nil, fmt.Errorf("line %d is no event of a history: %w", n, err)
		}
		h = append(h, e)
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if len(h) == 0 || h[0].What != Begin {
		return nil, errors.New("not a history: its first line must be a begin")
	}
	return h, nil
}
