// SPDX-License-Identifier: GPL-2.0-only

// Package search looks things up within a time. The mistake: the context of that time is never
// cancelled, so it lives until its deadline.
package search

import (
	"context"
	"io"
	"net/http"
	"time"

	"example.org/shop/run"
)

const patience = 10 * time.Minute

// Index is what is searched.
type Index struct {
	repaired bool
}

// Query finds the first match.
func (i *Index) Query(ctx context.Context, word string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	if i.repaired {
		defer cancel()
	}
	return i.scan(ctx, word)
}

func (i *Index) scan(ctx context.Context, word string) (string, error) {
	select {
	case <-ctx.Done():
		return "", ctx.Err()
	case <-time.After(time.Millisecond):
		return word, nil
	}
}

func (i *Index) serve(w http.ResponseWriter, r *http.Request) {
	match, err := i.Query(context.Background(), r.URL.RawQuery)
	if err != nil {
		http.Error(w, err.Error(), http.StatusGatewayTimeout)
		return
	}
	io.WriteString(w, match)
}

// Start serves 30 queries a second.
func Start(s *run.Service) {
	i := &Index{repaired: s.Repaired}
	http.HandleFunc("/search", i.serve)
	s.Clients(3, 100*time.Millisecond, func(int64) string { return "/search?shoes" })
}
