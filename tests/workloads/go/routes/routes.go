// SPDX-License-Identifier: GPL-2.0-only

// Package routes knows where each customer's requests go. The mistake: the map is copied at each
// write, so that a write costs the more the longer the map is.
package routes

import (
	"io"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"example.org/shop/run"
)

const (
	always = 5000 // routes that are there at any time
	swing  = 900  // that come and go
)

// Route is a place.
type Route struct {
	Host string
	Port int
}

// Table is read without a lock when each write makes a new map.
type Table struct {
	lock     sync.Mutex
	copied   atomic.Value // map[string]Route
	shared   map[string]Route
	repaired bool
}

// Set adds a route, or takes it away when that is nil.
func (t *Table) Set(customer string, route *Route) {
	t.lock.Lock()
	defer t.lock.Unlock()
	if t.repaired {
		change(t.shared, customer, route)
		return
	}
	before := t.copied.Load().(map[string]Route)
	after := make(map[string]Route, len(before)+1)
	for key, value := range before {
		after[key] = value
	}
	change(after, customer, route)
	t.copied.Store(after)
}

func change(routes map[string]Route, customer string, route *Route) {
	if route == nil {
		delete(routes, customer)
	} else {
		routes[customer] = *route
	}
}

// Get looks a route up.
func (t *Table) Get(customer string) Route {
	if !t.repaired {
		return t.copied.Load().(map[string]Route)[customer]
	}
	t.lock.Lock()
	defer t.lock.Unlock()
	return t.shared[customer]
}

// serve adds and takes away in turn, so that the table swings and does not grow.
func (t *Table) serve(w http.ResponseWriter, r *http.Request) {
	number, _ := strconv.Atoi(r.URL.Query().Get("number"))
	customer := "customer " + strconv.Itoa(always+number%swing)
	if number/swing%2 == 0 {
		t.Set(customer, &Route{Host: "shop", Port: number % 1000})
	} else {
		t.Set(customer, nil)
	}
	io.WriteString(w, t.Get(customer).Host)
}

// Start changes 30 routes a second.
func Start(s *run.Service) {
	t := &Table{shared: make(map[string]Route), repaired: s.Repaired}
	for i := 0; i < always; i++ {
		t.shared["customer "+strconv.Itoa(i)] = Route{Host: "shop", Port: i}
	}
	t.copied.Store(t.shared)
	http.HandleFunc("/route", t.serve)
	s.Clients(3, 100*time.Millisecond, func(number int64) string {
		return "/route?number=" + strconv.FormatInt(number, 10)
	})
}
