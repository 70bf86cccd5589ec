// Package account signs people up, signs them in, and reads their tokens.
//
// Signing in is decided in the database (Directory), one transaction a sign-in,
// and mirrored into Redis (Registry), which answers the question of every
// request and every connect: may this device still speak for this user? When
// the mirror does not know, or is away, the database answers.
//
// There are four kinds of credentials. An access token is a JWT that says who,
// which device and which sign-in of it; it is good until it expires or that
// sign-in ends. A refresh token is exchanged for a new pair, once; its second
// use means that somebody else has it too, and ends the session. A ticket is for
// the URL of one socket. A code from an e-mail shows whose the address is; it is
// kept in Redis alone, for minutes. Of passwords, refresh tokens, tickets and
// codes only hashes are stored, and none of them is ever logged.
package account
