// SPDX-License-Identifier: GPL-2.0-only

// Package store is the client of a key-value store that does one thing at a time for each owner.
package store

import (
	"bufio"
	"fmt"
	"net"
)

// Conn is one connection; it is used by one goroutine at a time.
type Conn struct {
	net    net.Conn
	reader *bufio.Reader
	owner  string
}

// Dial opens a connection for an owner.
func Dial(address, owner string) (*Conn, error) {
	connection, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	return &Conn{net: connection, reader: bufio.NewReader(connection), owner: owner}, nil
}

// Set waits until the store has the value.
func (c *Conn) Set(key string, value []byte) error {
	if _, err := fmt.Fprintf(c.net, "%s %s %x\n", c.owner, key, value); err != nil {
		return err
	}
	_, err := c.reader.ReadString('\n')
	return err
}

// Close ends it.
func (c *Conn) Close() error {
	return c.net.Close()
}
