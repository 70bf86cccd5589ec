// Package realtime is one node: sockets on one side, the cluster on the other.
package realtime
