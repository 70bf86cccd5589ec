package verify

// noteSocket sorts what happened on a socket.
func (w *world) noteSocket(e *Event) {
	if e.Conn == 0 {
		return
	}
	if e.What == Connect {
		c := &conn{n: e.Conn, device: w.device(e), grant: e.Grant, connect: e, pings: map[string]*Event{}, shown: map[spot]int{}}
		w.byConn[e.Conn] = c
		w.conns = append(w.conns, c)
		c.device.conns = append(c.device.conns, c)
		if g := w.byGrant[e.Grant]; g != nil {
			g.conns = append(g.conns, c)
		}
		return
	}
	if c := w.byConn[e.Conn]; c != nil {
		c.note(e)
	}
}

func (c *conn) note(e *Event) {
	switch e.What {
	case Welcome:
		first(&c.welcome, e)
	case Synced:
		first(&c.synced, e)
		if c.device.start == nil {
			c.device.start = e
		}
	case Leave:
		first(&c.leave, e)
	case Closed:
		first(&c.closed, e)
	case Kicked:
		first(&c.kicked, e)
	case Received:
		c.reports = append(c.reports, e)
	case Receipt:
		c.receipts = append(c.receipts, e)
	case Ping:
		c.pings[e.ID] = e
	case Pong:
		if p := c.pings[e.ID]; p != nil {
			c.ponged = p
		}
	case Gap:
		c.device.gaps = append(c.device.gaps, e)
	case Message:
		c.device.show(e)
		if c.shown[e.spot()] == 0 {
			c.shown[e.spot()] = e.N
		}
	}
	if e.Offset != "" && e.What != Received {
		c.frames = append(c.frames, e)
		if e.What != Welcome {
			c.device.marks[e.Offset] = append(c.device.marks[e.Offset], e)
		}
	}
}

// saidByServer reports whether an event shows that a socket is served.
func (e *Event) saidByServer() bool {
	switch e.What {
	case Welcome, Message, Queued, Gap, Synced, Ack, Refusal, Pong, Receipt:
		return true
	}
	return false
}

func first(at **Event, e *Event) {
	if *at == nil {
		*at = e
	}
}

// show notes a message that a device was shown.
func (d *device) show(e *Event) {
	if d.shown[e.spot()] != nil {
		d.again = append(d.again, e)
		return
	}
	d.shown[e.spot()] = e
}

// declared reports whether a gap told the device to look in the history.
func (d *device) declared(s spot) bool {
	for _, g := range d.gaps {
		if g.Conversation == s.in && g.After < s.seq && s.seq < g.Before {
			return true
		}
	}
	return false
}

// ack returns the first acknowledgement of a letter, or nil.
func (l *letter) ack() *Event {
	for _, a := range l.attempts {
		if a.acked() {
			return a.reply
		}
	}
	return nil
}

func (a *attempt) acked() bool { return a.reply != nil && a.reply.What == Ack }

// first is the letter's first attempt.
func (l *letter) first() *Event { return l.attempts[0].send }

// by reports whether a device tried to send the letter: it then needs no push.
func (l *letter) by(d *device) bool {
	for _, a := range l.attempts {
		if a.send.Device == d.device && a.send.User == d.user {
			return true
		}
	}
	return false
}

// isFor reports whether somebody is a recipient: in a direct conversation the
// two, in the lobby everybody.
func (e *Event) isFor(d *device) bool {
	return e.To != nil && (e.To.User == "" || e.User == d.user || e.To.User == d.user)
}
