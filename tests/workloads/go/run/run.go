// SPDX-License-Identifier: GPL-2.0-only

// Package run is what every service stands on: options, an HTTP server, a load, and an end.
package run

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"time"
)

// Service is one process of the shop.
type Service struct {
	Name     string
	Repaired bool
	Store    string // host:port of the slow store
	Upstream string // URL of the server of others
	Postgres string // data source name

	listener net.Listener
	client   *http.Client
	requests int64
	seconds  int
}

// New reads the words after the service's name.
func New(name string, words []string) *Service {
	s := &Service{Name: name, Repaired: words[0] == "repaired"}
	flags := flag.NewFlagSet(name, flag.ExitOnError)
	flags.StringVar(&s.Store, "store", "", "host:port of the slow store")
	flags.StringVar(&s.Upstream, "upstream", "", "URL of the upstream server")
	flags.StringVar(&s.Postgres, "postgres", "", "data source name")
	flags.IntVar(&s.seconds, "seconds", 300, "how long to serve")
	flags.Parse(words[1:])
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	Must(err)
	s.listener = listener
	s.client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	return s
}

// Identity is a name that no other process of the shop has.
func (s *Service) Identity() string {
	return fmt.Sprintf("%s-%d", s.Name, os.Getpid())
}

// Clients are customers: each sends a request at every interval and waits for its answer.
func (s *Service) Clients(count int, interval time.Duration, path func(number int64) string) {
	for i := 0; i < count; i++ {
		offset := interval * time.Duration(i) / time.Duration(count)
		go s.customer(offset, interval, path)
	}
}

func (s *Service) customer(offset, interval time.Duration, path func(int64) string) {
	time.Sleep(offset)
	for {
		begun := time.Now()
		s.get(path(atomic.AddInt64(&s.requests, 1)))
		time.Sleep(interval - time.Since(begun))
	}
}

// Waves are customers who all come for the first half of each period, and stay away in the second.
func (s *Service) Waves(count int, period time.Duration, path func(number int64) string) {
	for i := 0; i < count; i++ {
		go s.visitor(period, path)
	}
}

func (s *Service) visitor(period time.Duration, path func(int64) string) {
	for {
		if into := time.Now().UnixNano() % int64(period); into > int64(period)/2 {
			time.Sleep(period - time.Duration(into))
		}
		s.get(path(atomic.AddInt64(&s.requests, 1)))
	}
}

func (s *Service) get(path string) {
	response, err := s.client.Get("http://" + s.listener.Addr().String() + path)
	if err != nil {
		time.Sleep(50 * time.Millisecond)
		return
	}
	io.Copy(io.Discard, response.Body)
	response.Body.Close()
}

// Run serves until the standard input or the time ends.
func (s *Service) Run() {
	go http.Serve(s.listener, nil)
	Ready(map[string]interface{}{"pid": os.Getpid(), "name": s.Name, "repaired": s.Repaired})
	go func() {
		io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	time.Sleep(time.Duration(s.seconds) * time.Second)
}

// Ready prints one line of JSON.
func Ready(line interface{}) {
	Must(json.NewEncoder(os.Stdout).Encode(line))
}

// Must ends the process when a thing that never fails did.
func Must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
