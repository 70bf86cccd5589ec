package realtime

import (
	"context"
	"strconv"
	"strings"

	"github.com/tieline/tieline/pkg/chat"
)

// gate is who a credential speaks for: "user/device/login" is a genuine token.
type gate struct{ p *peer }

func (g gate) Verify(token string) (chat.Identity, error) {
	switch token {
	case "expired":
		return chat.Identity{}, chat.E("test", chat.TokenExpired, nil)
	case "forged":
		return chat.Identity{}, chat.E("test", chat.TokenInvalid, nil)
	}
	part := strings.Split(token, "/")
	login, err := strconv.ParseInt(part[2], 10, 64)
	return chat.Identity{User: chat.UserID(part[0]), Device: chat.DeviceID(part[1]), Login: login}, err
}

func (g gate) Redeem(_ context.Context, ticket string) (chat.Identity, error) {
	return g.Verify(ticket)
}

func (g gate) Authorise(ctx context.Context, id chat.Identity) (chat.Identity, error) {
	if err := g.p.db.ask("Authorise"); err != nil {
		return id, err
	}
	return g.p.acc.Authorise(ctx, id)
}
