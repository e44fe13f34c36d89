// SPDX-License-Identifier: GPL-2.0-only

// Package followup reminds customers of carts that they have not paid. The mistake: what waits ten
// minutes for that keeps the whole cart.
package followup

import (
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"example.org/shop/run"
)

const patience = 10 * time.Minute

// Cart is 32 KiB.
type Cart struct {
	Customer string
	Items    [4000]int64
	paid     chan struct{}
}

// Desk takes carts.
type Desk struct {
	reminded int64
	repaired bool
}

// Place takes one cart.
func (d *Desk) Place(w http.ResponseWriter, r *http.Request) {
	cart := &Cart{Customer: r.URL.Query().Get("customer"), paid: make(chan struct{})}
	for i := range cart.Items {
		cart.Items[i] = int64(i)
	}
	if d.repaired {
		go d.await(cart.Customer, cart.paid)
	} else {
		go func() {
			time.Sleep(patience)
			if !isPaid(cart.paid) {
				d.remind(cart.Customer)
			}
		}()
	}
	paid := cart.paid
	time.AfterFunc(200*time.Millisecond, func() { close(paid) })
	w.Write([]byte(strconv.FormatInt(cart.Items[len(cart.Items)-1], 10)))
}

// await ends with the payment, and knows no more than it needs.
func (d *Desk) await(customer string, paid chan struct{}) {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-paid:
	case <-timer.C:
		d.remind(customer)
	}
}

func isPaid(paid chan struct{}) bool {
	select {
	case <-paid:
		return true
	default:
		return false
	}
}

func (d *Desk) remind(customer string) {
	atomic.AddInt64(&d.reminded, int64(len(customer)))
}

// Start takes 16 carts a second.
func Start(s *run.Service) {
	d := &Desk{repaired: s.Repaired}
	http.HandleFunc("/place", d.Place)
	s.Clients(4, 250*time.Millisecond, func(number int64) string {
		return "/place?customer=c" + strconv.FormatInt(number, 10)
	})
}
