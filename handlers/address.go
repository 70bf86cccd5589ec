package handlers

import (
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"
)

// clientAddr returns the address that a request comes from; limits and logs go
// by it. Only a peer in a trusted network is believed about somebody else:
// first its X-Real-IP, which it has to overwrite, else the rightmost address of
// X-Forwarded-For that is not itself in a trusted network. Fiber's own reading
// takes the leftmost, which anybody can write.
func clientAddr(peer netip.Addr, realIP string, forwarded []string, trusted []netip.Prefix) netip.Addr {
	if !isTrusted(peer, trusted) {
		return peer
	}
	if a, ok := parseAddr(realIP); ok {
		return a
	}
	hops := strings.Split(strings.Join(forwarded, ","), ",")
	client := peer
	for _, hop := range slices.Backward(hops) {
		a, ok := parseAddr(hop)
		if !ok {
			break // whoever wrote this is the client as far as can be told
		}
		client = a
		if !isTrusted(a, trusted) {
			break
		}
	}
	return client
}

func isTrusted(a netip.Addr, trusted []netip.Prefix) bool {
	return slices.ContainsFunc(trusted, func(p netip.Prefix) bool { return p.Contains(a) })
}

// parseAddr reads an address, with or without a port.
func parseAddr(s string) (netip.Addr, bool) {
	s = strings.TrimSpace(s)
	if a, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil {
		return a.Unmap().WithZone(""), true
	}
	if a, err := netip.ParseAddrPort(s); err == nil {
		return a.Addr().Unmap().WithZone(""), true
	}
	return netip.Addr{}, false
}

// addr returns the address of a request's client.
func (e *edge) addr(c *fiber.Ctx) string {
	tcp, ok := c.Context().RemoteAddr().(*net.TCPAddr)
	if !ok {
		return ""
	}
	peer := tcp.AddrPort().Addr().Unmap().WithZone("")
	if len(e.o.TrustedProxies) == 0 {
		return peer.String()
	}
	var forwarded []string
	for _, v := range c.Request().Header.PeekAll(fiber.HeaderXForwardedFor) {
		forwarded = append(forwarded, string(v))
	}
	return clientAddr(peer, c.Get("X-Real-IP"), forwarded, e.o.TrustedProxies).String()
}
