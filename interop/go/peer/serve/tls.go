package serve

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/smallnest/rpcx/server"
)

// ListenTLS starts three more servers, with server.pem and server.key of a folder: "tls" speaks any version, "tls12" no
// newer one than 1.2, "mutual" wants client certificates that ca.pem has issued. It returns where they listen.
func (p *Peer) ListenTLS(folder string) (map[string]string, error) {
	certificate, err := tls.LoadX509KeyPair(filepath.Join(folder, "server.pem"), filepath.Join(folder, "server.key"))
	if err != nil {
		return nil, fmt.Errorf("interop: no certificate: %w", err)
	}
	authority, err := os.ReadFile(filepath.Join(folder, "ca.pem"))
	if err != nil {
		return nil, fmt.Errorf("interop: no CA: %w", err)
	}
	clients := x509.NewCertPool()
	if !clients.AppendCertsFromPEM(authority) {
		return nil, errors.New("interop: ca.pem holds no certificate")
	}
	shown := []tls.Certificate{certificate}
	addresses := make(map[string]string)
	for name, config := range map[string]*tls.Config{
		"tls":    {Certificates: shown},
		"tls12":  {Certificates: shown, MaxVersion: tls.VersionTLS12},
		"mutual": {Certificates: shown, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: clients},
	} {
		// What rpcx does itself where it is given an address: see its makeListener.
		listener, err := tls.Listen("tcp", "127.0.0.1:0", config)
		if err != nil {
			return nil, fmt.Errorf("interop: cannot listen: %w", err)
		}
		s := server.NewServer(server.WithTLSConfig(config))
		s.Plugins.Add(seenPlugin{})
		if err := register(s, p.counters); err != nil {
			return nil, err
		}
		p.secure = append(p.secure, s)
		addresses[name] = p.serve(s, listener).String()
	}
	return addresses, nil
}
