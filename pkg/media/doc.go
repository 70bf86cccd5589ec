// Package media keeps uploads, of which it looks at nothing but the bytes.
//
// What somebody uploads as an avatar is never kept as it came. Its first bytes
// say what it is, whatever its name and its declared type do; its header says how
// large it is before any memory is spent on that; and only a small square that is
// drawn anew from it is stored, so that nothing else that was in the file, such as
// the place where it was taken, gets out.
package media
