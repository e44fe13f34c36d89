// SPDX-License-Identifier: GPL-2.0-only

// Package events tells a broker of each order. The mistake: a goroutine for each request to do so,
// which nothing bounds when a part of the broker does not answer.
package events

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"example.org/shop/peers"
	"example.org/shop/run"
	"example.org/shop/store"
)

// Event is what the broker is told.
type Event struct {
	Order string
	At    time.Time
}

// partition is a part of the broker.
type partition struct {
	address, owner, topic string
	queue                 chan Event // of the repaired API
}

func (p *partition) publish(event Event) error {
	conn, err := store.Dial(p.address, p.owner)
	if err != nil {
		return err
	}
	defer conn.Close()
	return conn.Set(p.topic+event.Order, []byte(event.At.Format(time.RFC3339)))
}

func (p *partition) publishQueue() {
	for event := range p.queue {
		p.publish(event)
	}
}

// API takes orders.
type API struct {
	partitions [2]partition
	repaired   bool
}

// CreateOrder answers before the broker knows.
func (a *API) CreateOrder(w http.ResponseWriter, r *http.Request) {
	event := Event{Order: r.URL.Query().Get("order"), At: time.Now()}
	number, _ := strconv.Atoi(event.Order)
	p := &a.partitions[number%len(a.partitions)]
	if a.repaired {
		select {
		case p.queue <- event:
		default: // the next event tells enough
		}
	} else {
		go p.publish(event)
	}
	w.WriteHeader(http.StatusCreated)
}

// Start serves 30 orders a second. The second partition of the broker has lost its leader.
func Start(s *run.Service) {
	a := &API{repaired: s.Repaired}
	for i, topic := range []string{"orders/", peers.Orphan} {
		p := &a.partitions[i]
		p.address, p.owner, p.topic = s.Store, fmt.Sprint(s.Identity(), "-", i), topic
		p.queue = make(chan Event, 32)
		if s.Repaired {
			go p.publishQueue()
		}
	}
	http.HandleFunc("/orders", a.CreateOrder)
	s.Clients(3, 100*time.Millisecond, func(number int64) string {
		return "/orders?order=" + strconv.FormatInt(number, 10)
	})
}
