// SPDX-License-Identifier: GPL-2.0-only

// Package auctions asks three bidders and takes the first answer. The mistake: nobody receives the
// other two, and who sends them waits for good.
package auctions

import (
	"fmt"
	"net/http"
	"time"

	"example.org/shop/run"
)

const bidders = 3

// House holds auctions.
type House struct {
	repaired bool
}

// Sell is the first bid.
func (h *House) Sell() int {
	size := 0
	if h.repaired {
		size = bidders
	}
	bids := make(chan int, size)
	for i := 0; i < bidders; i++ {
		bidder := i
		go func() { bids <- bid(bidder) }()
	}
	return <-bids
}

func bid(bidder int) int {
	time.Sleep(time.Duration(bidder+1) * time.Millisecond)
	return 100 * bidder
}

func (h *House) serve(w http.ResponseWriter, r *http.Request) {
	fmt.Fprintln(w, h.Sell())
}

// Start holds 15 auctions a second.
func Start(s *run.Service) {
	h := &House{repaired: s.Repaired}
	http.HandleFunc("/sell", h.serve)
	s.Clients(3, 200*time.Millisecond, func(int64) string { return "/sell" })
}
