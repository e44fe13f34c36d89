// SPDX-License-Identifier: GPL-2.0-only

// Package sessions answers long polls. The mistake: the ticker that keeps a poll alive is never
// stopped.
package sessions

import (
	"io"
	"net/http"
	"time"

	"example.org/shop/run"
)

// Hub has news every now and then.
type Hub struct {
	repaired bool
}

// Wait answers when there is news, and sends a line at times until then.
func (h *Hub) Wait(w http.ResponseWriter, r *http.Request) {
	news := h.subscribe()
	keepAlive := time.NewTicker(10 * time.Second)
	if h.repaired {
		defer keepAlive.Stop()
	}
	for {
		select {
		case text := <-news:
			io.WriteString(w, text)
			return
		case <-keepAlive.C:
			io.WriteString(w, "\n")
		}
	}
}

func (h *Hub) subscribe() <-chan string {
	news := make(chan string, 1)
	time.AfterFunc(20*time.Millisecond, func() { news <- "sold out\n" })
	return news
}

// Start serves 30 polls a second.
func Start(s *run.Service) {
	h := &Hub{repaired: s.Repaired}
	http.HandleFunc("/wait", h.Wait)
	s.Clients(3, 100*time.Millisecond, func(int64) string { return "/wait" })
}
