package media

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"time"

	"github.com/tieline/tieline/pkg/chat"
)

// Store keeps files under keys, which are paths with slashes that we make up
// ourselves: nothing that a client says is part of one. Several nodes need one
// store that all of them see.
type Store interface {
	// Put keeps a file, all of it or nothing.
	Put(ctx context.Context, key string, content []byte) error
	// Open returns a file to be read and closed; NotFound.
	Open(ctx context.Context, key string) (io.ReadSeekCloser, error)
	// Delete removes a file; that there is none is no error.
	Delete(ctx context.Context, key string) error
}

// Folder is a Store in a folder of the file system, which is made with its first
// file. No key leads out of it.
type Folder string

// Put writes beside the file and renames, so that nobody ever reads a part of
// it, and one that was put survives a crash.
func (f Folder) Put(_ context.Context, key string, content []byte) error {
	const op = "media.put"
	if err := os.MkdirAll(string(f), 0o700); err != nil {
		return away(op, err)
	}
	return f.within(op, func(root *os.Root) error {
		if err := root.MkdirAll(path.Dir(key), 0o700); err != nil {
			return err
		}
		partial := path.Join(path.Dir(key), "."+chat.NewID())
		err := write(root, partial, content)
		if err == nil {
			err = root.Rename(partial, key)
		}
		if err != nil {
			root.Remove(partial)
		}
		return err
	})
}

// write writes a new file through to the disk.
func write(root *os.Root, name string, content []byte) error {
	file, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	return errors.Join(err, file.Sync(), file.Close())
}

// Open opens a file; NotFound.
func (f Folder) Open(_ context.Context, key string) (io.ReadSeekCloser, error) {
	var file *os.File
	err := f.within("media.open", func(root *os.Root) (err error) {
		file, err = root.Open(key)
		return err
	})
	if err != nil {
		return nil, err
	}
	return file, nil
}

// Delete removes a file.
func (f Folder) Delete(_ context.Context, key string) error {
	err := f.within("media.delete", func(root *os.Root) error { return root.Remove(key) })
	if chat.KindOf(err) == chat.NotFound {
		return nil
	}
	return err
}

// within does something in the folder.
func (f Folder) within(op string, do func(*os.Root) error) error {
	root, err := os.OpenRoot(string(f))
	if err == nil {
		defer root.Close()
		err = do(root)
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return chat.E(op, chat.NotFound, err)
	}
	return away(op, err)
}

// away is the error of a store that cannot be used just now: its disk is full or
// gone.
func away(op string, err error) error {
	return &chat.Error{Kind: chat.Unavailable, Op: op, Retry: time.Second, Err: err}
}

// Absent is the Store of a node that was told of one it cannot use: everything
// is Unavailable.
type Absent struct{}

var errAbsent = errors.New("this kind of store is not built yet")

// Put is Unavailable.
func (Absent) Put(context.Context, string, []byte) error { return away("media.put", errAbsent) }

// Open is Unavailable.
func (Absent) Open(context.Context, string) (io.ReadSeekCloser, error) {
	return nil, away("media.open", errAbsent)
}

// Delete is Unavailable.
func (Absent) Delete(context.Context, string) error { return away("media.delete", errAbsent) }
