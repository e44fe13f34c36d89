// SPDX-License-Identifier: GPL-2.0-only

// Package dispatch hands orders to the warehouse. The mistake: a queue so long that nothing ever
// sheds load; it hides that the warehouse is slower than the customers.
package dispatch

import (
	"net/http"
	"strconv"
	"time"

	"example.org/shop/run"
	"example.org/shop/store"
)

// Order is 64 bytes.
type Order struct {
	Number   int64
	Customer int64
	Lines    [6]int64
}

// Dispatcher has workers that take orders from a queue.
type Dispatcher struct {
	orders   chan Order
	repaired bool
}

// NewDispatcher makes the queue.
func NewDispatcher(repaired bool) *Dispatcher {
	capacity := 1 << 21
	if repaired {
		capacity = 64
	}
	return &Dispatcher{orders: make(chan Order, capacity), repaired: repaired}
}

// Submit takes an order: HTTP 202, or 503 when the queue is full.
func (d *Dispatcher) Submit(w http.ResponseWriter, r *http.Request) {
	number, _ := strconv.ParseInt(r.URL.Query().Get("order"), 10, 64)
	order := Order{Number: number, Customer: number % 1000}
	if !d.repaired {
		d.orders <- order
		w.WriteHeader(http.StatusAccepted)
		return
	}
	select {
	case d.orders <- order:
		w.WriteHeader(http.StatusAccepted)
	default:
		w.WriteHeader(http.StatusServiceUnavailable)
	}
}

func (d *Dispatcher) work(warehouse *store.Conn) {
	for order := range d.orders {
		warehouse.Set(strconv.FormatInt(order.Number, 10), []byte("dispatched"))
	}
}

// Start serves 40 orders a second; the warehouse takes 20.
func Start(s *run.Service) {
	d := NewDispatcher(s.Repaired)
	for i := 0; i < 2; i++ {
		warehouse, err := store.Dial(s.Store, s.Identity())
		run.Must(err)
		go d.work(warehouse)
	}
	http.HandleFunc("/submit", d.Submit)
	s.Clients(4, 100*time.Millisecond, func(number int64) string {
		return "/submit?order=" + strconv.FormatInt(number, 10)
	})
}
