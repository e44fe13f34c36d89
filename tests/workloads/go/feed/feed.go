// SPDX-License-Identifier: GPL-2.0-only

// Package feed consumes messages. The mistake: time.After in the busy loop makes a timer for each
// message, and each waits its five minutes.
package feed

import (
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"example.org/shop/run"
)

const quiet = 5 * time.Minute // without a message: ask whether the feed lives

// Consumer takes what comes in.
type Consumer struct {
	messages chan string
	seen     int64
	checks   int64
}

// Run never ends.
func (c *Consumer) Run() {
	for {
		select {
		case message := <-c.messages:
			c.consume(message)
		case <-time.After(quiet):
			c.check()
		}
	}
}

// RunRepaired has one timer for all.
func (c *Consumer) RunRepaired() {
	timer := time.NewTimer(quiet)
	for {
		select {
		case message := <-c.messages:
			c.consume(message)
		case <-timer.C:
			c.check()
		}
		if !timer.Stop() {
			select {
			case <-timer.C:
			default:
			}
		}
		timer.Reset(quiet)
	}
}

func (c *Consumer) consume(message string) {
	atomic.AddInt64(&c.seen, int64(len(message)))
}

func (c *Consumer) check() {
	atomic.AddInt64(&c.checks, 1)
}

func (c *Consumer) post(w http.ResponseWriter, r *http.Request) {
	c.messages <- r.URL.Query().Get("message")
}

// Start takes 40 messages a second.
func Start(s *run.Service) {
	c := &Consumer{messages: make(chan string)}
	if s.Repaired {
		go c.RunRepaired()
	} else {
		go c.Run()
	}
	http.HandleFunc("/post", c.post)
	s.Clients(4, 100*time.Millisecond, func(number int64) string {
		return "/post?message=" + strconv.FormatInt(number, 10)
	})
}
