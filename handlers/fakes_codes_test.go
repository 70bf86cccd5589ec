package handlers

import (
	"context"
	"fmt"

	"github.com/tieline/tieline/pkg/account"
	"github.com/tieline/tieline/pkg/chat"
)

// fakeCodes has one good code, "GOOD", and notes what it was asked for.
type fakeCodes struct {
	found  []chat.Code
	orders []account.CodeOrder
	asked  []string // "kind cursor limit"
}

func (f *fakeCodes) RedeemVIP(_ context.Context, user chat.UserID, code string) (chat.User, error) {
	if user != alice.ID || code != "GOOD" {
		return chat.User{}, chat.E("fake", chat.CodeInvalid, nil)
	}
	return alice, nil
}

func (f *fakeCodes) CreateCodes(_ context.Context, o account.CodeOrder) ([]string, error) {
	f.orders = append(f.orders, o)
	return []string{"ONE", "TWO"}, nil
}

func (f *fakeCodes) FindCodes(_ context.Context, kind chat.CodeKind, cursor string, limit int) ([]chat.Code, string, error) {
	f.asked = append(f.asked, fmt.Sprint(kind, " ", cursor, " ", limit))
	return f.found, "more", nil
}
