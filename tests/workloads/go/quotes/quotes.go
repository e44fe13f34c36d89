// SPDX-License-Identifier: GPL-2.0-only

// Package quotes remembers what was offered to whom. The mistake: a map used as a cache from which
// nothing expires.
package quotes

import (
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"example.org/shop/run"
)

const keep = 200 // quotes that the repaired cache holds

// Quote is 4 KiB.
type Quote struct {
	Customer string
	Prices   [510]int64
}

// Cache is the map.
type Cache struct {
	lock     sync.Mutex
	quotes   map[string]*Quote
	repaired bool
}

// Lookup makes the quote when it is not there.
func (c *Cache) Lookup(customer string) *Quote {
	c.lock.Lock()
	defer c.lock.Unlock()
	quote := c.quotes[customer]
	if quote != nil {
		return quote
	}
	if c.repaired && len(c.quotes) >= keep {
		c.evict()
	}
	quote = &Quote{Customer: customer}
	for i := range quote.Prices {
		quote.Prices[i] = int64(i * len(customer))
	}
	c.quotes[customer] = quote
	return quote
}

func (c *Cache) evict() {
	for customer := range c.quotes {
		delete(c.quotes, customer)
		return
	}
}

func (c *Cache) serve(w http.ResponseWriter, r *http.Request) {
	quote := c.Lookup(r.URL.Query().Get("customer"))
	fmt.Fprintln(w, quote.Prices[1])
}

// Start serves 80 customers a second; one in three comes for the first time.
func Start(s *run.Service) {
	c := &Cache{quotes: make(map[string]*Quote), repaired: s.Repaired}
	http.HandleFunc("/quote", c.serve)
	s.Clients(4, 50*time.Millisecond, func(number int64) string {
		return "/quote?customer=c" + strconv.FormatInt(number-number%3, 10)
	})
}
