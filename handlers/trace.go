package handlers

import (
	"slices"

	"github.com/gofiber/fiber/v2"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/trace"
	"github.com/tieline/tieline/pkg/wire"
	"github.com/tieline/tieline/realtime"
)

// messageTrace is why somebody did, or did not, get a message.
type messageTrace struct {
	Conversation chat.ConversationID `json:"conversation"`
	Seq          int64               `json:"seq"`
	Sender       chat.UserID         `json:"sender"`
	CommittedAt  wire.Time           `json:"committed_at"`
	Recipients   []arrival           `json:"recipients"`
	Events       []traceEvent        `json:"events"`
	Silent       []chat.NodeID       `json:"silent_nodes"`
}

type arrival struct {
	User   chat.UserID           `json:"user"`
	State  realtime.ArrivalState `json:"state"`
	Online bool                  `json:"online"`
	Behind []chat.DeviceID       `json:"devices_without"`
}

type traceEvent struct {
	At     wire.Time     `json:"at"`
	Node   chat.NodeID   `json:"node"`
	Stage  trace.Stage   `json:"stage"`
	User   chat.UserID   `json:"user,omitempty"`
	Device chat.DeviceID `json:"device,omitempty"`
	Detail string        `json:"detail,omitempty"`
}

// GET /admin/messages/{conversation}/{seq}/trace
func (e *edge) traceMessage(c *fiber.Ctx, _ chat.Identity) error {
	id, err := pathID[chat.ConversationID](c, "conversation")
	if err != nil {
		return err
	}
	seq, err := pathSeq(c)
	if err != nil {
		return err
	}
	q, err := e.o.Node.Inquire(c.UserContext(), id, seq)
	if err != nil {
		return err
	}
	out := messageTrace{
		Conversation: q.Conversation, Seq: q.Seq, Sender: q.Sender, CommittedAt: wire.Time{Time: q.CommittedAt},
		Recipients: make([]arrival, 0, len(q.Recipients)), Events: make([]traceEvent, 0, len(q.Events)), Silent: append([]chat.NodeID{}, q.Silent...),
	}
	for _, a := range q.Recipients {
		slices.Sort(a.Behind)
		out.Recipients = append(out.Recipients, arrival{a.User, a.State, a.Online, append([]chat.DeviceID{}, a.Behind...)})
	}
	for _, ev := range q.Events {
		out.Events = append(out.Events, traceEvent{wire.Time{Time: ev.At}, ev.Node, ev.Stage, ev.User, ev.Device, ev.Detail})
	}
	return c.JSON(out)
}
