package handlers

import (
	"net/http"

	"github.com/gofiber/fiber/v2"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/wire"
)

// friendView is somebody in the caller's list of friends.
type friendView struct {
	card
	Since wire.Time `json:"since"`
}

// labelForm is what a request says that one notes about a friend to be. It is
// not embedded anywhere: what is wrong in it would be told by its Go name.
type labelForm struct {
	Remark  string           `json:"remark"`
	Tags    []string         `json:"tags"`
	Moments wire.MomentsBody `json:"moments"`
}

func (f *labelForm) label() chat.Label {
	return chat.Label{Remark: f.Remark, Tags: f.Tags, Moments: chat.Moments{HideMine: f.Moments.HideMine, HideTheirs: f.Moments.HideTheirs}}
}

// POST /friend-requests
func (e *edge) askFriend(c *fiber.Ctx, who chat.Identity) error {
	in, err := body[struct {
		User    chat.UserID `json:"user"`
		Message string      `json:"message"`
	}](c)
	if err != nil {
		return err
	}
	about, err := body[labelForm](c)
	if err != nil {
		return err
	}
	if err := checkID("user", string(in.User)); err != nil {
		return err
	}
	r, err := e.o.People.Ask(c.UserContext(), chat.Asking{From: who.User, To: in.User, Message: in.Message, Label: about.label()})
	if err != nil {
		return err
	}
	return c.Status(http.StatusCreated).JSON(wire.NewFriendRequestBody(&r, who.User))
}

// GET /friend-requests?direction=
func (e *edge) listRequests(c *fiber.Ctx, who chat.Identity) error {
	direction := c.Query("direction", "incoming")
	if direction != "incoming" && direction != "outgoing" {
		return chat.InvalidField("direction", "unknown", "")
	}
	cursor, limit, err := page(c)
	if err != nil {
		return err
	}
	all, next, err := e.o.People.Requests(c.UserContext(), who.User, direction == "outgoing", cursor, limit)
	if err != nil {
		return err
	}
	return c.JSON(show(all, next, func(r *chat.FriendRequest) wire.FriendRequestBody { return wire.NewFriendRequestBody(r, who.User) }))
}

// POST /friend-requests/{id}/accept
func (e *edge) acceptRequest(c *fiber.Ctx, who chat.Identity) error {
	in, err := maybeBody[labelForm](c)
	if err != nil {
		return err
	}
	return e.handle(c, who, chat.RequestAccepted, in.label())
}

// POST /friend-requests/{id}/reject and /ignore
func (e *edge) handleRequest(as chat.RequestState) call {
	return func(c *fiber.Ctx, who chat.Identity) error { return e.handle(c, who, as, chat.Label{}) }
}

func (e *edge) handle(c *fiber.Ctx, who chat.Identity, as chat.RequestState, label chat.Label) error {
	id, err := pathID[string](c, "id")
	if err != nil {
		return err
	}
	r, err := e.o.People.Handle(c.UserContext(), who.User, id, as, label)
	if err != nil {
		return err
	}
	return c.JSON(wire.NewFriendRequestBody(&r, who.User))
}

// GET /friends
func (e *edge) listFriends(c *fiber.Ctx, who chat.Identity) error {
	cursor, limit, err := page(c)
	if err != nil {
		return err
	}
	all, next, err := e.o.People.Friends(c.UserContext(), who.User, cursor, limit)
	if err != nil {
		return err
	}
	return c.JSON(list[friendView]{e.viewFriends(c, who, all), next})
}

// viewFriends shows friends with their presence, while somebody can tell.
func (e *edge) viewFriends(c *fiber.Ctx, who chat.Identity, all []chat.Friend) []friendView {
	ids := make([]chat.UserID, len(all))
	for i := range all {
		ids[i] = all[i].ID
	}
	presence, _ := e.seen(c.UserContext(), who.User, ids)
	views := make([]friendView, len(all))
	for i := range all {
		f := &all[i]
		views[i] = friendView{viewCard(&f.User, &f.Relation, presence), wire.Time{Time: f.Since}}
	}
	return views
}

// PATCH /friends/{user}
func (e *edge) changeFriend(c *fiber.Ctx, who chat.Identity) error {
	id, err := pathID[chat.UserID](c, "user")
	if err != nil {
		return err
	}
	in, err := body[struct {
		Remark  *string  `json:"remark"`
		Tags    []string `json:"tags"`
		Starred *bool    `json:"starred"`
		Moments struct {
			HideMine   *bool `json:"hide_mine"`
			HideTheirs *bool `json:"hide_theirs"`
		} `json:"moments"`
	}](c)
	if err != nil {
		return err
	}
	f, err := e.o.People.ChangeFriend(c.UserContext(), who.User, id, chat.RelationChange{
		Remark: in.Remark, Tags: in.Tags, Starred: in.Starred, HideMine: in.Moments.HideMine, HideTheirs: in.Moments.HideTheirs,
	})
	if err != nil {
		return err
	}
	return c.JSON(e.viewFriends(c, who, []chat.Friend{f})[0])
}

// DELETE /friends/{user}
func (e *edge) removeFriend(c *fiber.Ctx, who chat.Identity) error {
	id, err := pathID[chat.UserID](c, "user")
	if err != nil {
		return err
	}
	if err := e.o.People.RemoveFriend(c.UserContext(), who.User, id); err != nil {
		return err
	}
	return c.SendStatus(http.StatusNoContent)
}
