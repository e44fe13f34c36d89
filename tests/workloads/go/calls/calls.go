// SPDX-License-Identifier: GPL-2.0-only

// Package calls asks a worker and waits two minutes at most. The mistake: the timer of that timeout
// is not stopped when the answer comes at once.
package calls

import (
	"io"
	"net/http"
	"time"

	"example.org/shop/run"
)

const patience = 2 * time.Minute

type call struct {
	question string
	answer   chan string
}

// Caller has one worker.
type Caller struct {
	calls    chan call
	repaired bool
}

// Do is the answer to a question.
func (c *Caller) Do(question string) string {
	asked := call{question: question, answer: make(chan string, 1)}
	c.calls <- asked
	timer := time.NewTimer(patience)
	if c.repaired {
		defer timer.Stop()
	}
	select {
	case answer := <-asked.answer:
		return answer
	case <-timer.C:
		return "no answer"
	}
}

func (c *Caller) work() {
	for asked := range c.calls {
		time.Sleep(time.Millisecond)
		asked.answer <- "re: " + asked.question
	}
}

func (c *Caller) serve(w http.ResponseWriter, r *http.Request) {
	io.WriteString(w, c.Do(r.URL.RawQuery))
}

// Start serves 40 calls a second.
func Start(s *run.Service) {
	c := &Caller{calls: make(chan call), repaired: s.Repaired}
	go c.work()
	http.HandleFunc("/call", c.serve)
	s.Clients(4, 100*time.Millisecond, func(int64) string { return "/call?stock" })
}
