// SPDX-License-Identifier: GPL-2.0-only

// Package pages puts what it has rendered into a cache. The mistake: a goroutine for each write, with
// a connection of its own, behind a store that is slower than the readers.
package pages

import (
	"net/http"
	"strconv"
	"time"

	"example.org/shop/run"
	"example.org/shop/store"
)

// Cache writes behind.
type Cache struct {
	address, owner string
	slots          chan struct{}
	repaired       bool
}

// Put returns before the store has the page.
func (c *Cache) Put(key string, page []byte) {
	if c.repaired {
		select {
		case c.slots <- struct{}{}:
		default:
			return // it will be rendered again
		}
	}
	go func() {
		c.write(key, page)
		if c.repaired {
			<-c.slots
		}
	}()
}

func (c *Cache) write(key string, page []byte) error {
	conn, err := store.Dial(c.address, c.owner)
	if err != nil {
		return err
	}
	defer conn.Close()
	return conn.Set(key, page)
}

func (c *Cache) serve(w http.ResponseWriter, r *http.Request) {
	page := make([]byte, 2<<10)
	c.Put(r.URL.Query().Get("page"), page)
	w.Write(page)
}

// Start serves 40 pages a second; the store takes 20.
func Start(s *run.Service) {
	c := &Cache{address: s.Store, owner: s.Identity(), slots: make(chan struct{}, 8), repaired: s.Repaired}
	http.HandleFunc("/page", c.serve)
	s.Clients(4, 100*time.Millisecond, func(number int64) string {
		return "/page?page=" + strconv.FormatInt(number, 10)
	})
}
