package wire

import "github.com/tieline/tieline/pkg/chat"

// MessageBody is a message as clients see it, over the socket (where type and
// offset come before these fields) and in the HTTP API.
type MessageBody struct {
	Conversation chat.ConversationID `json:"conversation"`
	Seq          int64               `json:"seq"`
	ID           string              `json:"id"`
	ClientID     string              `json:"client_id,omitempty"` // on the sender's own devices only
	From         PersonBody          `json:"from"`
	To           Target              `json:"to"`
	Kind         chat.MessageKind    `json:"kind"`
	Text         string              `json:"text"`
	Media        string              `json:"media,omitempty"`
	ReplyTo      int64               `json:"reply_to,omitempty"`
	Mentions     []chat.UserID       `json:"mentions,omitempty"`
	Reactions    map[string]int      `json:"reactions,omitempty"`
	At           Time                `json:"at"`
	EditedAt     *Time               `json:"edited_at,omitempty"`
	Recalled     bool                `json:"recalled,omitempty"`
}

// PersonBody is the sender's card in a message.
type PersonBody struct {
	ID        chat.UserID `json:"id"`
	Username  string      `json:"username"`
	Nickname  string      `json:"nickname"`
	AvatarURL string      `json:"avatar_url"`
}

// NewMessageBody shows a message to one reader: its client_id only to its
// sender.
func NewMessageBody(m *chat.Message, reader chat.UserID) MessageBody {
	b := MessageBody{
		Conversation: m.Conversation, Seq: m.Seq, ID: chat.MessageID(m.Conversation, m.Seq),
		From: NewPersonBody(&m.From),
		To:   Target{User: m.To.User, Room: m.To.Room},
		Kind: m.Kind, Text: m.Text, Media: m.Media, ReplyTo: m.ReplyTo, Mentions: m.Mentions,
		Reactions: m.Reactions, At: Time{m.At}, Recalled: m.Recalled,
	}
	if reader == m.From.ID {
		b.ClientID = m.ClientID
	}
	if !m.EditedAt.IsZero() {
		b.EditedAt = &Time{m.EditedAt}
	}
	return b
}

// EncodeMessage returns the message as JSON for one reader. It is done once and
// then serves the queue, the bus and every socket of that reader.
func EncodeMessage(m *chat.Message, reader chat.UserID) []byte {
	return Encode(NewMessageBody(m, reader))
}

// AppendQueued appends the frame that puts a queued body on the wire: type and
// offset first, then the body's own fields. Body must be a JSON object with at
// least one field.
func AppendQueued(dst []byte, typ, offset string, body []byte) []byte {
	dst = append(dst, `{"type":"`...)
	dst = append(dst, typ...)
	dst = append(dst, `","offset":"`...)
	dst = append(dst, offset...)
	dst = append(dst, `",`...)
	return append(dst, body[1:]...)
}

// NewPresenceStatus shows a presence.
func NewPresenceStatus(p chat.Presence) PresenceStatus {
	s := PresenceStatus{Online: p.Online, Devices: p.Devices}
	if s.Devices == nil {
		s.Devices = []chat.Platform{}
	}
	if !p.Online && !p.LastSeen.IsZero() {
		s.LastSeen = &Time{p.LastSeen}
	}
	return s
}

// WithClientID returns a message's JSON with the sender's own id of it added:
// what EncodeMessage would have returned for the sender, without encoding twice.
func WithClientID(body []byte, clientID string) []byte {
	id := Encode(clientID)
	own := make([]byte, 0, len(body)+len(id)+len(`,"client_id":`))
	own = append(own, body[:len(body)-1]...)
	own = append(own, `,"client_id":`...)
	own = append(own, id...)
	return append(own, '}')
}
