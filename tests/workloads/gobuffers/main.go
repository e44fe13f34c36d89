// SPDX-License-Identifier: GPL-2.0-only

// Gobuffers fills arrays:
//
//	gobuffers grow  three that only grow: events of appendEvent, the log of writeLog, the queue of push
//	gobuffers crowd slices of a map, thousands of them, that note makes longer; and a tree that
//	                insert makes larger, which calls itself from either side
//	gobuffers full  six that do not: slices of a map that are cut, a ring, a slice that is cut to
//	                nothing and filled again, a buffer that is reset, a window that slides over its
//	                array, buffers of a pool
//
// It says "ready", answers each line of its standard input with a line of JSON, and ends with it.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

type event struct {
	who, what, when uint64
}

type request struct {
	id   uint64
	body [5]uint64
}

type journal struct {
	lines bytes.Buffer
}

const (
	owners     = 2000
	recentMost = 40
	ringSize   = 1 << 17
	batchSize  = 20000
	windowSize = 100000
)

var (
	events []event
	logged = &journal{}
	queue  []*request

	notes = map[uint64][]event{}
	index *leaf

	recent  = map[uint64][]event{}
	ring    [ringSize]uint64
	waste   []byte
	batch   []uint64
	report  bytes.Buffer
	window  []uint64
	buffers = sync.Pool{New: func() interface{} { return new(bytes.Buffer) }}
	sum     uint64
	rounds  int64
)

//go:noinline
func appendEvent(n uint64) {
	events = append(events, event{n, n + 1, n + 2})
}

//go:noinline
func writeLog(n uint64) {
	fmt.Fprintf(&logged.lines, "request %d was answered\n", n)
}

//go:noinline
func push(n uint64) {
	queue = append(queue, &request{id: n})
}

func grow(n uint64) {
	appendEvent(n)
	writeLog(n)
	push(n)
}

type leaf struct {
	left, right *leaf
	key, value  uint64
}

//go:noinline
func (l *leaf) insert(key uint64) *leaf {
	if l == nil {
		return &leaf{key: key}
	}
	if key < l.key {
		l.left = l.left.insert(key)
	} else {
		l.right = l.right.insert(key)
	}
	return l
}

// Whose turn it is seems random, and is not.
func mix(n uint64) uint64 {
	n *= 0x9e3779b97f4a7c15
	n = (n ^ n>>30) * 0xbf58476d1ce4e5b9
	return n ^ n>>31
}

//go:noinline
func note(n uint64) {
	owner := mix(n) % owners
	notes[owner] = append(notes[owner], event{n, n + 1, n + 2})
}

func crowd(n uint64) {
	note(n)
	if n%2 == 0 {
		index = index.insert(mix(n))
	}
	waste = make([]byte, 512)
}

//go:noinline
func noteRecent(n uint64) {
	owner := mix(n) % owners
	list := append(recent[owner], event{n, n + 1, n + 2})
	if len(list) > recentMost {
		list = append([]event(nil), list[recentMost/2:]...)
	}
	recent[owner] = list
}

//go:noinline
func collect(n uint64) {
	batch = append(batch, n)
	if len(batch) == batchSize {
		batch = batch[:0]
	}
}

//go:noinline
func render(n uint64) {
	fmt.Fprintf(&report, "request %d was answered\n", n)
	if n%batchSize == 0 {
		report.Reset()
	}
}

//go:noinline
func slide(n uint64) {
	window = append(window, n)
	if len(window) > windowSize {
		window = window[1:]
	}
}

//go:noinline
func pooled(n uint64) {
	b := buffers.Get().(*bytes.Buffer)
	b.Reset()
	for b.Len() < 64<<10 {
		fmt.Fprintf(b, "answer %d\n", n)
	}
	sum += uint64(b.Len())
	buffers.Put(b)
}

func full(n uint64) {
	noteRecent(n)
	waste = make([]byte, 512)
	ring[n%ringSize] = n
	collect(n)
	render(n)
	slide(n)
	if n%200 == 0 {
		pooled(n)
	}
}

func work(one func(uint64), before uint64) {
	n := uint64(1)
	for ; n < before; n++ {
		one(n)
	}
	fmt.Println("ready")
	for ; ; n++ {
		one(n)
		if n%100 == 0 {
			atomic.AddInt64(&rounds, 1)
			time.Sleep(10 * time.Millisecond)
		}
	}
}

func main() {
	switch {
	case len(os.Args) == 2 && os.Args[1] == "grow":
		go work(grow, 20000)
	case len(os.Args) == 2 && os.Args[1] == "crowd":
		go work(crowd, 50*owners)
	case len(os.Args) == 2 && os.Args[1] == "full":
		go work(full, 3*windowSize)
	default:
		fmt.Fprintln(os.Stderr, "usage: gobuffers grow|crowd|full")
		os.Exit(2)
	}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		json.NewEncoder(os.Stdout).Encode(map[string]int64{"rounds": atomic.LoadInt64(&rounds)})
	}
}
