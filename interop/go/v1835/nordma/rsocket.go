// Package rsocket refuses: the peers speak TCP, and a build without RDMA libraries has no rdma
// network.
package rsocket

import (
	"errors"
	"net"
)

var errAbsent = errors.New("rdma is not part of this build")

// DialTCP refuses.
func DialTCP(string) (net.Conn, error) { return nil, errAbsent }

// NewTCPListener refuses.
func NewTCPListener(string, int, int) (net.Listener, error) { return nil, errAbsent }
