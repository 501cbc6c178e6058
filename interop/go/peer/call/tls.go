package call

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/smallnest/rpcx/client"

	"github.com/trunkline-rpc/trunkline/interop/go/peer/message"
)

// TLS says how the case tls speaks it, with files of a folder.
type TLS struct {
	Folder  string `json:"folder"`
	CA      string `json:"ca"`                // the file of the CA to trust; empty is InsecureSkipVerify
	Shown   string `json:"shown,omitempty"`   // the name of our certificate's files, without .pem and .key
	Newest  uint16 `json:"newest,omitempty"`  // the newest version to speak, as crypto/tls numbers them
	Refused string `json:"refused,omitempty"` // a text that the error must have
}

func (t *TLS) config() (*tls.Config, error) {
	config := &tls.Config{MaxVersion: t.Newest, InsecureSkipVerify: t.CA == ""}
	if t.CA != "" {
		authority, err := os.ReadFile(filepath.Join(t.Folder, t.CA))
		if err != nil {
			return nil, fmt.Errorf("interop: no CA: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		config.RootCAs.AppendCertsFromPEM(authority)
	}
	if t.Shown != "" {
		files := filepath.Join(t.Folder, t.Shown)
		certificate, err := tls.LoadX509KeyPair(files+".pem", files+".key")
		if err != nil {
			return nil, fmt.Errorf("interop: no certificate: %w", err)
		}
		config.Certificates = []tls.Certificate{certificate}
	}
	return config, nil
}

// tls: calls small and large at once on one connection, and one through rpcx's client for several servers.
func tlsCase(ctx context.Context, e *env, c Command, r *report) {
	if !r.expect(c.TLS != nil, "the command does not say how to speak TLS") {
		return
	}
	config, err := c.TLS.config()
	if !r.succeeded("certificates", err) {
		return
	}
	option := options(e.dialect, false)
	option.TLSConfig = config
	if c.TLS.Refused != "" {
		refusedTLS(ctx, e, c, r, option)
		return
	}
	conn, err := dial(e.addr, option)
	if !r.succeeded("connect", err) {
		return
	}
	defer conn.Close()
	var wait sync.WaitGroup
	failures := make(chan string, 100)
	for i := range 100 {
		wait.Add(1)
		go func() {
			defer wait.Done()
			size := i
			if i%10 == 0 {
				size = 1<<20 + i
			}
			blob := message.Blob{Text: strings.Repeat("x", i), Data: make([]byte, size)}
			var reply message.Blob
			if _, err := conn.call(ctx, "Interop", "Blob", nil, &blob, &reply); err != nil {
				failures <- fmt.Sprintf("call of %d bytes: %v", size, err)
			} else if reply.Text != blob.Text || len(reply.Data) != size {
				failures <- fmt.Sprintf("call of %d bytes: the reply is another's", size)
			}
		}()
	}
	wait.Wait()
	close(failures)
	for failure := range failures {
		r.problem("%s", failure)
	}

	discovery, err := client.NewPeer2PeerDiscovery("tcp@"+e.addr, "")
	if !r.succeeded("discover", err) {
		return
	}
	several := client.NewXClient("Interop", client.Failfast, client.RandomSelect, discovery, option)
	defer several.Close()
	var reply message.Blob
	if err := several.Call(ctx, "Blob", &message.Blob{Text: "in"}, &reply); r.succeeded("call through an XClient", err) {
		equal(r, "reply", reply.Text, "in")
	}
}

// refusedTLS: TLS 1.3 tells a client only after its handshake that its certificate is not good.
func refusedTLS(ctx context.Context, e *env, c Command, r *report, option client.Option) {
	conn, err := dial(e.addr, option)
	if err == nil {
		defer conn.Close()
		_, err = conn.call(ctx, "Interop", "Blob", nil, &message.Blob{Text: "x"}, &message.Blob{})
	}
	if r.expect(err != nil, "the server took the call, expected an error") {
		r.set("error", err.Error())
		r.expect(strings.Contains(err.Error(), c.TLS.Refused), "the error is %q, expected %q in it", err, c.TLS.Refused)
	}
}
