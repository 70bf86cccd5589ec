package store

import (
	"context"
	"errors"
	"time"

	"github.com/tieline/tieline/pkg/chat"
)

// errShut says that some messages of a batch may not be sent; their Err says why.
var errShut = errors.New("a conversation is shut to a sender")

// shut sets the Err of those messages whose sender may not write to the other
// person, or to the room, and returns errShut if there are any; those to a room
// get its members as recipients. The conversations were read under
// the locks of their heads: whoever blocks has the next message on refused, on every
// node.
func shut(fresh []*chat.Pending, in map[chat.ConversationID]chat.Conversation, of map[chat.ConversationID]*crowd, at time.Time) error {
	var err error
	for _, p := range fresh {
		c := in[p.Conversation]
		kind := c.Shut(p.From.ID, p.FriendsOnly)
		if k := of[c.ID]; k != nil {
			kind = k.may(p.From.ID, at)
			p.Recipients = k.all
		}
		if kind != "" {
			p.Err, err = chat.E("store.append", kind, nil), errShut
		}
	}
	return err
}

// withoutShut refuses what errShut was about, but for what was committed before
// its conversation was shut: that is answered as any repetition. It returns the
// others.
func (s *Messages) withoutShut(ctx context.Context, fresh []*chat.Pending, before map[sendKey]kept) (open []*chat.Pending, err error) {
	var refused []*chat.Pending
	for _, p := range fresh {
		if p.Err == nil {
			open = append(open, p)
		} else {
			refused = append(refused, p)
		}
	}
	why := make(map[*chat.Pending]error, len(refused))
	for _, p := range refused {
		why[p], p.Err = p.Err, nil
	}
	rest, err := s.notRepeated(ctx, refused, before)
	for _, p := range rest {
		p.Err = why[p]
	}
	return open, err
}
