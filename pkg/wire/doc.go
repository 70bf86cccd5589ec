// Package wire is the WebSocket protocol: frames, limits, close codes.
//
// Every frame is one compact JSON object in one text message, and "type" is its
// first field. A client may put an "id" into any request; what answers it
// carries the same as "re". Unknown fields are ignored; an unknown type is
// answered with an error and never ends the connection.
package wire
