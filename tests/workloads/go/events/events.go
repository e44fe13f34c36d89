// SPDX-License-Identifier: GPL-2.0-only

// Package events tells a broker of each order. The mistake: a goroutine for each request to do so,
// which nothing bounds when the broker is slower than the customers.
package events

import (
	"net/http"
	"strconv"
	"sync"
	"time"

	"example.org/shop/run"
	"example.org/shop/store"
)

// Event is what the broker is told.
type Event struct {
	Order string
	At    time.Time
}

// API takes orders.
type API struct {
	lock     sync.Mutex
	broker   *store.Conn // under lock
	queue    chan Event
	repaired bool
}

// CreateOrder answers before the broker knows.
func (a *API) CreateOrder(w http.ResponseWriter, r *http.Request) {
	event := Event{Order: r.URL.Query().Get("order"), At: time.Now()}
	if a.repaired {
		select {
		case a.queue <- event:
		default: // the next event tells enough
		}
	} else {
		go a.publish(event)
	}
	w.WriteHeader(http.StatusCreated)
}

func (a *API) publish(event Event) {
	a.lock.Lock()
	defer a.lock.Unlock()
	a.broker.Set(event.Order, []byte(event.At.Format(time.RFC3339)))
}

func (a *API) publishQueue() {
	for event := range a.queue {
		a.publish(event)
	}
}

// Start serves 80 orders a second; the broker takes 40.
func Start(s *run.Service) {
	broker, err := store.Dial(s.Store, s.Identity())
	run.Must(err)
	a := &API{broker: broker, repaired: s.Repaired}
	if s.Repaired {
		a.queue = make(chan Event, 32)
		go a.publishQueue()
	}
	http.HandleFunc("/orders", a.CreateOrder)
	s.Clients(8, 100*time.Millisecond, func(number int64) string {
		return "/orders?order=" + strconv.FormatInt(number, 10)
	})
}
