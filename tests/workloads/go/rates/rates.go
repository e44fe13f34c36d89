// SPDX-License-Identifier: GPL-2.0-only

// Package rates asks another server for exchange rates. The mistake: the body of an answer that says
// nothing new is neither read nor closed, so its connection is never used again and never ends.
package rates

import (
	"io"
	"net/http"
	"time"

	"example.org/shop/run"
)

// Client keeps the rates of today.
type Client struct {
	http     *http.Client
	url      string
	tag      string
	repaired bool
}

// Refresh is true when there are new rates.
func (c *Client) Refresh() (bool, error) {
	response, err := c.http.Get(c.url)
	if err != nil {
		return false, err
	}
	if c.repaired {
		defer finish(response.Body)
	}
	if response.Header.Get("ETag") == c.tag {
		return false, nil
	}
	finish(response.Body)
	return true, nil
}

// finish lets the connection be used again.
func finish(body io.ReadCloser) {
	io.Copy(io.Discard, body)
	body.Close()
}

func (c *Client) serve(w http.ResponseWriter, r *http.Request) {
	if _, err := c.Refresh(); err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
	}
}

// Start asks 20 times a second.
func Start(s *run.Service) {
	transport := &http.Transport{MaxIdleConnsPerHost: 8}
	c := &Client{http: &http.Client{Transport: transport}, url: s.Upstream + "/rates/eur",
		tag: "\"today\"", repaired: s.Repaired}
	http.HandleFunc("/price", c.serve)
	s.Clients(4, 200*time.Millisecond, func(int64) string { return "/price" })
}
