package bench

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Process is one whose CPU time and memory are read from /proc.
type Process struct {
	Name string `json:"name"`
	PID  int    `json:"pid"`
}

// ParseProcess reads NAME=PID, as the flag --pid has it.
func ParseProcess(s string) (Process, error) {
	name, num, ok := strings.Cut(s, "=")
	pid, err := strconv.Atoi(num)
	if !ok || name == "" || err != nil || pid <= 0 {
		return Process{}, fmt.Errorf("bench: %q is not NAME=PID", s)
	}
	return Process{name, pid}, nil
}

// CPU is what one process used in a measured window. The load generator itself
// is the one named "load".
type CPU struct {
	Name      string  `json:"name"`
	Seconds   float64 `json:"seconds"`
	MicrosPer float64 `json:"micros_per"` // of a message, or of a connect
}

// meter reads the processes at the beginning and at the end of a window.
type meter struct {
	names []string
	start []time.Duration
	read  []func() time.Duration
}

func startMeter(processes []Process) *meter {
	m := &meter{}
	add := func(name string, read func() time.Duration) {
		m.names, m.read, m.start = append(m.names, name), append(m.read, read), append(m.start, read())
	}
	for _, p := range processes {
		add(p.Name, func() time.Duration { return cpuOf(p.PID) })
	}
	add("load", ownCPU)
	return m
}

// stop returns what was used since, divided by what it was used for.
func (m *meter) stop(per int64) (used []CPU) {
	for i, read := range m.read {
		d := read() - m.start[i]
		c := CPU{Name: m.names[i], Seconds: d.Seconds()}
		if per > 0 {
			c.MicrosPer = float64(d.Microseconds()) / float64(per)
		}
		used = append(used, c)
	}
	return used
}

// clockTick is the unit of /proc/PID/stat; Linux fixes it at 100 a second for
// programs.
const clockTick = 10 * time.Millisecond

// cpuOf is the user and system time of a process so far, 0 when it is gone.
func cpuOf(pid int) time.Duration {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	// The name in parentheses may hold anything, spaces included.
	f := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	if len(f) < 13 {
		return 0
	}
	user, _ := strconv.ParseInt(f[11], 10, 64)
	system, _ := strconv.ParseInt(f[12], 10, 64)
	return time.Duration(user+system) * clockTick
}

func ownCPU() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// residentOf is the memory that all the processes hold, in bytes.
func residentOf(processes []Process) (sum int64) {
	for _, p := range processes {
		b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.PID))
		for line := range strings.Lines(string(b)) {
			if kb, ok := strings.CutPrefix(line, "VmRSS:"); ok {
				n, _ := strconv.ParseInt(strings.Fields(kb)[0], 10, 64)
				sum += n << 10
			}
		}
	}
	return sum
}
