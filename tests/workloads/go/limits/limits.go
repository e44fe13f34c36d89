// SPDX-License-Identifier: GPL-2.0-only

// Package limits lets each tenant do four things at a time. The mistake: a semaphore for each tenant
// that was ever seen, never evicted.
package limits

import (
	"net/http"
	"strconv"
	"sync"
	"time"

	"example.org/shop/run"
)

type tenant struct {
	slots  chan struct{}
	users  int
	recent [120]int64 // requests of the latest seconds
}

// Limiter knows the tenants.
type Limiter struct {
	lock     sync.Mutex
	tenants  map[string]*tenant
	repaired bool
}

// Acquire waits for a slot.
func (l *Limiter) Acquire(name string) *tenant {
	l.lock.Lock()
	t := l.tenants[name]
	if t == nil {
		t = &tenant{slots: make(chan struct{}, 4)}
		l.tenants[name] = t
	}
	t.users++
	t.recent[time.Now().Unix()%120]++
	l.lock.Unlock()
	t.slots <- struct{}{}
	return t
}

// Release gives it back.
func (l *Limiter) Release(name string, t *tenant) {
	<-t.slots
	l.lock.Lock()
	defer l.lock.Unlock()
	t.users--
	if l.repaired && t.users == 0 {
		delete(l.tenants, name)
	}
}

func (l *Limiter) serve(w http.ResponseWriter, r *http.Request) {
	name := r.URL.Query().Get("tenant")
	defer l.Release(name, l.Acquire(name))
	time.Sleep(5 * time.Millisecond)
}

// Start serves 80 tenants a second, each for the first time.
func Start(s *run.Service) {
	l := &Limiter{tenants: make(map[string]*tenant), repaired: s.Repaired}
	http.HandleFunc("/work", l.serve)
	s.Clients(4, 50*time.Millisecond, func(number int64) string {
		return "/work?tenant=t" + strconv.FormatInt(number, 10)
	})
}
