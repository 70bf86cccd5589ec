package client

import (
	"context"
	"net/http"
	"net/url"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/wire"
)

// User is an account. Email, Phone, Theme, Locale and Admin are known of
// oneself only.
type User struct {
	ID        chat.UserID `json:"id"`
	Username  string      `json:"username"`
	Nickname  string      `json:"nickname"`
	Sex       string      `json:"sex"`
	Bio       string      `json:"bio"`
	AvatarURL string      `json:"avatar_url"`
	Email     string      `json:"email,omitempty"`
	Phone     string      `json:"phone,omitempty"`
	Theme     string      `json:"theme,omitempty"`
	Locale    string      `json:"locale,omitempty"`
	VIPUntil  *wire.Time  `json:"vip_until,omitempty"`
	Admin     bool        `json:"admin,omitempty"`
	CreatedAt wire.Time   `json:"created_at"`
}

// Place is the device that somebody signs up or in from. An empty ID has the
// server make one; the grant says which.
type Place struct {
	ID       chat.DeviceID `json:"id,omitempty"`
	Platform chat.Platform `json:"platform,omitempty"`
	Name     string        `json:"name,omitempty"`
}

// Registration is what signing up takes; all but Username and Password may be
// empty, unless the server asks for a code.
type Registration struct {
	Username   string `json:"username"`
	Password   string `json:"password"`
	Nickname   string `json:"nickname,omitempty"`
	Email      string `json:"email,omitempty"`
	Phone      string `json:"phone,omitempty"`
	EmailCode  string `json:"email_code,omitempty"`
	InviteCode string `json:"invite_code,omitempty"`
	Device     *Place `json:"device,omitempty"`
}

// Grant is what signing in gives. ExpiresIn is in seconds. RefreshToken works
// once.
type Grant struct {
	AccessToken  string        `json:"access_token"`
	RefreshToken string        `json:"refresh_token"`
	ExpiresIn    int           `json:"expires_in"`
	DeviceID     chat.DeviceID `json:"device_id"`
	User         User          `json:"user"`
}

// Register signs somebody up and in.
func (a *API) Register(ctx context.Context, r Registration) (Grant, error) {
	return fetch[Grant](ctx, a.As(""), http.MethodPost, "/auth/register", r)
}

// Login signs in by user name, e-mail or phone number. Signing in again on the
// same device ends what that device was signed in as before.
func (a *API) Login(ctx context.Context, login, password string, device *Place) (Grant, error) {
	in := struct {
		Login    string `json:"login"`
		Password string `json:"password"`
		Device   *Place `json:"device,omitempty"`
	}{login, password, device}
	return fetch[Grant](ctx, a.As(""), http.MethodPost, "/auth/login", in)
}

// Refresh exchanges a refresh token for a new grant. Using one twice ends the
// device's session: see Tokens for something that does not.
func (a *API) Refresh(ctx context.Context, refreshToken string) (Grant, error) {
	in := struct {
		RefreshToken string `json:"refresh_token"`
	}{refreshToken}
	return fetch[Grant](ctx, a.As(""), http.MethodPost, "/auth/refresh", in)
}

// Logout ends this device's session and closes its socket, wherever it is.
func (a *API) Logout(ctx context.Context) error {
	return a.Do(ctx, http.MethodPost, "/auth/logout", nil, nil)
}

// Ticket is a credential for one socket.
type Ticket struct {
	Ticket    string `json:"ticket"`
	ExpiresIn int    `json:"expires_in"` // seconds
}

// Ticket asks for a one-time credential to put into a socket's URL.
func (a *API) Ticket(ctx context.Context) (Ticket, error) {
	return fetch[Ticket](ctx, a, http.MethodPost, "/auth/ticket", nil)
}

// ChangePassword sets a new password; every other device is signed out.
func (a *API) ChangePassword(ctx context.Context, old, new string) error {
	in := struct {
		Old string `json:"old_password"`
		New string `json:"new_password"`
	}{old, new}
	return a.Do(ctx, http.MethodPost, "/auth/password", in, nil)
}

// Me returns one's own account.
func (a *API) Me(ctx context.Context) (User, error) {
	return fetch[User](ctx, a, http.MethodGet, "/me", nil)
}

// Device is one place one is, or was, signed in at.
type Device struct {
	ID       chat.DeviceID `json:"id"`
	Platform chat.Platform `json:"platform"`
	Name     string        `json:"name"`
	Online   bool          `json:"online"`
	Node     chat.NodeID   `json:"node"` // that holds its socket, while online
	LastSeen *wire.Time    `json:"last_seen"`
	Current  bool          `json:"current"` // the one asking
}

// Devices lists one's own devices.
func (a *API) Devices(ctx context.Context) ([]Device, error) {
	p, err := fetch[Page[Device]](ctx, a, http.MethodGet, "/me/devices", nil)
	return p.Items, err
}

// RemoveDevice ends the session of one of one's own devices.
func (a *API) RemoveDevice(ctx context.Context, id chat.DeviceID) error {
	return a.Do(ctx, http.MethodDelete, "/me/devices/"+url.PathEscape(string(id)), nil, nil)
}

// RemoveOtherDevices ends the sessions of all of one's devices but this one.
func (a *API) RemoveOtherDevices(ctx context.Context) error {
	return a.Do(ctx, http.MethodDelete, "/me/devices", nil, nil)
}

// fetch is Do with a typed answer.
func fetch[T any](ctx context.Context, a *API, method, path string, in any) (T, error) {
	var out T
	err := a.Do(ctx, method, path, in, &out)
	return out, err
}
