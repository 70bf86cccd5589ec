package client

import (
	"bytes"
	"context"
	"mime/multipart"
	"net/http"
)

// PutAvatar uploads a PNG, JPEG, GIF or WebP as one's avatar, and returns one's
// own account with the new AvatarURL, which is a path on any node.
func (a *API) PutAvatar(ctx context.Context, picture []byte) (User, error) {
	var body bytes.Buffer
	form := multipart.NewWriter(&body) // a buffer takes all there is
	if file, err := form.CreateFormFile("file", "avatar"); err == nil {
		file.Write(picture)
	}
	form.Close()
	var u User
	err := a.send(ctx, http.MethodPut, "/me/avatar", form.FormDataContentType(), body.Bytes(), &u)
	return u, err
}
