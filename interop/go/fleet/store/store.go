// Package store reads and writes etcd with its own Go client and shows bytes as they are: what a
// registry entry says, down to the byte, is told by Go.
package store

import (
	"context"
	"fmt"
	"strconv"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

const limit = 5 * time.Second

// Etcd is a connection to etcd.
type Etcd struct {
	client *clientv3.Client
}

// Entry is a key as etcd holds it.
type Entry struct {
	Key            string `json:"key"`
	KeyBase64      []byte `json:"key_base64"`
	Value          string `json:"value"`
	ValueBase64    []byte `json:"value_base64"`
	Lease          string `json:"lease"`                     // hexadecimal, as etcdctl prints it; "0" is none
	LeaseGranted   int64  `json:"lease_granted_s,omitempty"` // not told of events
	LeaseLeft      int64  `json:"lease_left_s,omitempty"`
	CreateRevision int64  `json:"create_revision"`
	ModRevision    int64  `json:"mod_revision"`
	Version        int64  `json:"version"`
}

// Open connects.
func Open(endpoints []string) (*Etcd, error) {
	client, err := clientv3.New(clientv3.Config{Endpoints: endpoints, DialTimeout: limit})
	if err != nil {
		return nil, fmt.Errorf("cannot connect to etcd at %v: %w", endpoints, err)
	}
	return &Etcd{client}, nil
}

// Close disconnects.
func (e *Etcd) Close() { _ = e.client.Close() }

// Get reads one key; nil if it is not there.
func (e *Etcd) Get(key string) (*Entry, error) {
	entries, err := e.read(key)
	if err != nil || len(entries) == 0 {
		return nil, err
	}
	return &entries[0], nil
}

// List reads all keys with this prefix, sorted.
func (e *Etcd) List(prefix string) ([]Entry, error) {
	return e.read(prefix, clientv3.WithPrefix())
}

func (e *Etcd) read(key string, options ...clientv3.OpOption) ([]Entry, error) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	response, err := e.client.Get(ctx, key, options...)
	if err != nil {
		return nil, fmt.Errorf("cannot read %q: %w", key, err)
	}
	entries := make([]Entry, 0, len(response.Kvs))
	for _, kv := range response.Kvs {
		entry := Entry{
			Key: string(kv.Key), KeyBase64: kv.Key, Value: string(kv.Value), ValueBase64: notNil(kv.Value),
			Lease:          strconv.FormatInt(kv.Lease, 16),
			CreateRevision: kv.CreateRevision, ModRevision: kv.ModRevision, Version: kv.Version,
		}
		if kv.Lease != 0 {
			// A lease may end between the two questions; -1 is then what etcd answers.
			if lease, err := e.client.TimeToLive(ctx, clientv3.LeaseID(kv.Lease)); err == nil {
				entry.LeaseGranted, entry.LeaseLeft = lease.GrantedTTL, lease.TTL
			}
		}
		entries = append(entries, entry)
	}
	return entries, nil
}

// Put writes a key: without a lease, under a new one of ttl seconds that nobody keeps alive, or under
// an existing one (hexadecimal).
func (e *Etcd) Put(key string, value []byte, ttl int64, lease string) (*Entry, error) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	var options []clientv3.OpOption
	switch {
	case lease != "":
		id, err := parseLease(lease)
		if err != nil {
			return nil, err
		}
		options = append(options, clientv3.WithLease(id))
	case ttl > 0:
		granted, err := e.client.Grant(ctx, ttl)
		if err != nil {
			return nil, fmt.Errorf("cannot get a lease of %d s: %w", ttl, err)
		}
		options = append(options, clientv3.WithLease(granted.ID))
	}
	if _, err := e.client.Put(ctx, key, string(value), options...); err != nil {
		return nil, fmt.Errorf("cannot write %q: %w", key, err)
	}
	return e.Get(key)
}

// Delete removes one key, or all with this prefix, and says how many there were.
func (e *Etcd) Delete(key string, prefix bool) (int64, error) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	var options []clientv3.OpOption
	if prefix {
		options = append(options, clientv3.WithPrefix())
	}
	response, err := e.client.Delete(ctx, key, options...)
	if err != nil {
		return 0, fmt.Errorf("cannot delete %q: %w", key, err)
	}
	return response.Deleted, nil
}

// Revoke ends a lease (hexadecimal); its keys vanish with it.
func (e *Etcd) Revoke(lease string) error {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	id, err := parseLease(lease)
	if err != nil {
		return err
	}
	if _, err := e.client.Revoke(ctx, id); err != nil {
		return fmt.Errorf("cannot revoke lease %s: %w", lease, err)
	}
	return nil
}

// Event is a change of a key, with the value it has now.
type Event struct {
	Event string `json:"event"` // put or delete
	Entry
}

// Watch says when it has begun, and from then on tells every change under a prefix, each once it has
// come, until the context ends.
func (e *Etcd) Watch(ctx context.Context, prefix string, begun func(), tell func(Event)) error {
	for response := range e.client.Watch(ctx, prefix, clientv3.WithPrefix(), clientv3.WithCreatedNotify()) {
		if ctx.Err() != nil {
			return nil
		}
		if err := response.Err(); err != nil {
			return fmt.Errorf("cannot watch %q: %w", prefix, err)
		}
		if response.Created {
			begun()
		}
		for _, change := range response.Events {
			kind := "put"
			if change.Type == clientv3.EventTypeDelete {
				kind = "delete"
			}
			tell(Event{kind, Entry{
				Key: string(change.Kv.Key), KeyBase64: change.Kv.Key, Value: string(change.Kv.Value), ValueBase64: notNil(change.Kv.Value),
				Lease:          strconv.FormatInt(change.Kv.Lease, 16),
				CreateRevision: change.Kv.CreateRevision, ModRevision: change.Kv.ModRevision, Version: change.Kv.Version,
			}})
		}
	}
	return nil
}

// notNil keeps an empty value from being shown as none.
func notNil(value []byte) []byte { return append([]byte{}, value...) }

func parseLease(text string) (clientv3.LeaseID, error) {
	id, err := strconv.ParseInt(text, 16, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is no lease, expected hexadecimal digits: %w", text, err)
	}
	return clientv3.LeaseID(id), nil
}
