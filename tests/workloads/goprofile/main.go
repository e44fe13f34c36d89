// SPDX-License-Identifier: GPL-2.0-only

// Goprofile keeps a heap profile of itself, as every program does that links net/http/pprof:
//
//	goprofile keep    keeps what it loads in loadPage and what it notes in visit
//	goprofile full    the same, full from the start: what is old is given back
//	goprofile leaked  the same as full, beside goroutines that a profile of its own found leaked and
//	                  iterators that are neither drained nor stopped
//
// All have a table from the start, and make garbage. It says "ready", answers each line of its
// standard input with a line of JSON, and ends with it.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"iter"
	_ "net/http/pprof"
	"os"
	"runtime/pprof"
	"sync/atomic"
	"time"
)

const (
	pageBytes  = 64 << 10
	atOnce     = 400 // visitors of a round
	roundsKept = 100
)

var (
	table  [][]byte
	pages  [][]byte
	seen   = map[uint64][6]uint64{}
	junk   []byte
	rounds int64
)

//go:noinline
func readTable() {
	for i := 0; i < 256; i++ {
		table = append(table, make([]byte, 128<<10))
	}
}

//go:noinline
func loadPage() {
	pages = append(pages, make([]byte, pageBytes))
}

//go:noinline
func visit(who uint64) {
	seen[who] = [6]uint64{who}
}

//go:noinline
func answer() {
	junk = make([]byte, 96<<10)
}

func serve(n uint64) {
	loadPage()
	for i := uint64(0); i < atOnce; i++ {
		visit(n*atOnce + i)
	}
}

func forget(n uint64) {
	copy(pages, pages[1:])
	pages = pages[:len(pages)-1]
	for i := uint64(0); i < atOnce; i++ {
		delete(seen, n*atOnce+i)
	}
}

func work(keep bool) {
	n := uint64(0)
	for ; !keep && n < roundsKept; n++ {
		serve(n)
	}
	fmt.Println("ready")
	for ; ; n++ {
		serve(n)
		for i := 0; i < 30; i++ {
			answer()
		}
		if !keep {
			forget(n - roundsKept)
		}
		atomic.AddInt64(&rounds, 1)
		time.Sleep(20 * time.Millisecond)
	}
}

//go:noinline
func lose() {
	lost := make(chan int)
	go func() { <-lost }()
}

//go:noinline
func orders(yield func(int) bool) {
	for n := 0; yield(n); n++ {
	}
}

//go:noinline
func peekOrder() {
	next, _ := iter.Pull(iter.Seq[int](orders))
	next()
}

func main() {
	readTable()
	if os.Args[1] == "leaked" {
		for i := 0; i < 50; i++ {
			lose()
		}
		for i := 0; i < 20; i++ {
			peekOrder()
		}
		time.Sleep(100 * time.Millisecond)
		pprof.Lookup("goroutineleak").WriteTo(os.Stderr, 1)
	}
	go work(os.Args[1] == "keep")
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		json.NewEncoder(os.Stdout).Encode(map[string]int64{"rounds": atomic.LoadInt64(&rounds)})
	}
}
