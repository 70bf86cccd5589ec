package testserver

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

// askWithin bounds one command to a Redis of ours.
const askWithin = 5 * time.Second

// ask runs one command over a connection of its own and returns the reply: a
// string, an int64, a []any, or nil.
func ask(addr string, command ...string) (any, error) { return converse(addr, command) }

// converse runs commands over one connection and returns the last reply. A few
// lines of the protocol save every test binary a client library.
func converse(addr string, commands ...[]string) (reply any, err error) {
	conn, err := net.DialTimeout("tcp", addr, time.Second)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(askWithin)); err != nil {
		return nil, err
	}
	replies := bufio.NewReader(conn)
	for _, command := range commands {
		var request strings.Builder
		fmt.Fprintf(&request, "*%d\r\n", len(command))
		for _, word := range command {
			fmt.Fprintf(&request, "$%d\r\n%s\r\n", len(word), word)
		}
		if _, err := conn.Write([]byte(request.String())); err != nil {
			return nil, err
		}
		if reply, err = readReply(replies); err != nil {
			return nil, fmt.Errorf("%s: %w", command[0], err)
		}
	}
	return reply, nil
}

// readReply reads one reply of version 2 of the protocol.
func readReply(r *bufio.Reader) (any, error) {
	line, err := r.ReadString('\n')
	if err != nil {
		return nil, err
	}
	line = strings.TrimRight(line, "\r\n")
	if line == "" {
		return nil, errors.New("an empty reply")
	}
	rest := line[1:]
	switch line[0] {
	case '+':
		return rest, nil
	case '-':
		return nil, fmt.Errorf("redis says %q", rest)
	case ':':
		return strconv.ParseInt(rest, 10, 64)
	case '$':
		n, err := strconv.Atoi(rest)
		if err != nil || n < 0 {
			return nil, err
		}
		bulk := make([]byte, n+2)
		_, err = io.ReadFull(r, bulk)
		return string(bulk[:n]), err
	case '*':
		n, err := strconv.Atoi(rest)
		if err != nil || n < 0 {
			return nil, err
		}
		list := make([]any, n)
		for i := range list {
			if list[i], err = readReply(r); err != nil {
				return nil, err
			}
		}
		return list, nil
	}
	return nil, fmt.Errorf("not a reply: %q", line)
}

// words are the strings of a reply, however they are nested.
func words(reply any) (out []string) {
	switch reply := reply.(type) {
	case string:
		return []string{reply}
	case int64:
		return []string{strconv.FormatInt(reply, 10)}
	case []any:
		for _, part := range reply {
			out = append(out, words(part)...)
		}
	}
	return out
}
