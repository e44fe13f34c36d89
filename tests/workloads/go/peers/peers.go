// SPDX-License-Identifier: GPL-2.0-only

// Package peers is what the services talk to: an HTTP server and a slow store, in a process apart.
package peers

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"example.org/shop/run"
)

const (
	setTime  = 50 * time.Millisecond // so the store does 20 a second for each owner
	bodySize = 32 << 10
)

// Orphan begins the keys of what nobody is responsible for: the store never answers to them.
const Orphan = "orphan/"

// Run serves until the standard input ends.
func Run() {
	upstream, err := net.Listen("tcp", "127.0.0.1:0")
	run.Must(err)
	store, err := net.Listen("tcp", "127.0.0.1:0")
	run.Must(err)
	http.HandleFunc("/rates/", serveRates)
	go http.Serve(upstream, nil)
	go serveStore(store)
	run.Ready(map[string]interface{}{
		"pid":      os.Getpid(),
		"upstream": "http://" + upstream.Addr().String(),
		"store":    store.Addr().String(),
	})
	io.Copy(io.Discard, os.Stdin)
}

var rates = strings.Repeat("EUR 1.0000\n", bodySize/11)

func serveRates(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("ETag", "\"today\"")
	io.WriteString(w, rates)
}

// turns has a lock for each owner: whoever holds it is being served.
var turns sync.Map

func serveStore(listener net.Listener) {
	for {
		connection, err := listener.Accept()
		if err != nil {
			return
		}
		go serveOwner(connection)
	}
}

func serveOwner(connection net.Conn) {
	defer connection.Close()
	lines := bufio.NewReader(connection)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return
		}
		owner, rest, _ := strings.Cut(line, " ")
		if strings.HasPrefix(rest, Orphan) {
			io.Copy(io.Discard, lines)
			return
		}
		turn, _ := turns.LoadOrStore(owner, &sync.Mutex{})
		turn.(*sync.Mutex).Lock()
		time.Sleep(setTime)
		turn.(*sync.Mutex).Unlock()
		if _, err := io.WriteString(connection, "stored\n"); err != nil {
			return
		}
	}
}
