// SPDX-License-Identifier: GPL-2.0-only

// Gobooks allocates at known places and keeps books of it:
//
//	gobooks keep    keeps at keepNode and cachePut, gives back at ringPut, churnNode and churnBlob
//	gobooks full    the same without what keeps; the ring is full
//	gobooks grow    goroutines whose stacks grow and shrink while they allocate, and check their sums
//	gobooks queues  three channels fill, a fourth is drained
//	gobooks park    100,000 goroutines wait while one works and counts its rounds
//	gobooks files   opens a file twenty times a second, maps a page of it, and forgets both
//	gobooks storm   goroutines start and end as fast as they can; each start is a round
//	gobooks vast    keeps an object of 256 MiB that it never touches
//
// It says "ready", answers each line of its standard input with a line of JSON, and ends with it.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"example.org/gobooks/queues"
)

type node struct {
	next *node
	data [6]uint64
}

const ringSize = 2000

var (
	nodes  *node
	cache  = map[string]*[4]uint64{}
	ring   [ringSize]*[5]uint64
	junk   *node
	blob   []byte
	rounds int64
	wrong  int64
)

//go:noinline
func keepNode(n int) {
	nodes = &node{next: nodes}
	nodes.data[0] = uint64(n)
}

//go:noinline
func cachePut(n int) {
	cache[fmt.Sprintf("customer-%d", n)] = &[4]uint64{uint64(n)}
}

//go:noinline
func ringPut(n int) {
	ring[n%ringSize] = &[5]uint64{uint64(n)}
}

//go:noinline
func churnNode(n int) {
	junk = &node{}
	junk.data[0] = uint64(n)
}

//go:noinline
func churnBlob(n int) {
	blob = make([]byte, 1024+n%64)
}

func allocate(keep bool) {
	for n := 0; ; n++ {
		for i := 0; i < 4; i++ {
			churnNode(i)
			churnBlob(i)
		}
		ringPut(n)
		if keep {
			keepNode(n)
			cachePut(n)
		}
		atomic.AddInt64(&rounds, 1)
		if n%50 == 49 {
			time.Sleep(10 * time.Millisecond)
		}
	}
}

// Descend adds up depth numbers, each from an object of its own, on a stack that grows with them.
//
//go:noinline
func descend(depth int) uint64 {
	var room [32]uint64

	if depth == 0 {
		return 0
	}
	value := &[2]uint64{uint64(depth), 1}
	room[depth%32] = value[0]
	churnNode(depth)
	return descend(depth-1) + room[depth%32]*value[1]
}

func grow(depth int) {
	for {
		done := make(chan uint64)
		go func() { done <- descend(depth) }()
		if <-done != uint64(depth*(depth+1)/2) {
			atomic.AddInt64(&wrong, 1)
		}
		atomic.AddInt64(&rounds, 1)
		time.Sleep(time.Millisecond)
	}
}

// Parked wait for good, each at a depth of its own.
func parked(depth int, never chan int) int {
	if depth > 0 {
		return parked(depth-1, never) + 1
	}
	return <-never
}

const crowd = 100000

// Park returns when all wait, or will at once.
func park() {
	never := make(chan int)
	for i := 0; i < crowd; i++ {
		go parked(i%8, never)
	}
}

// Work is counted by rounds of some microseconds.
func work() {
	sum := uint64(0)
	for {
		for i := uint64(0); i < 1000; i++ {
			sum = sum*31 + i
		}
		blob = make([]byte, 64+sum%64)
		atomic.AddInt64(&rounds, 1)
	}
}

// Storm has up to 512 goroutines at once, half of which wait for each other.
func storm() {
	turn := make(chan int, 1)
	var all sync.WaitGroup
	for {
		for i := 0; i < 256; i++ {
			all.Add(2)
			go func(i int) { turn <- i; all.Done() }(i)
			go func(int) { <-turn; all.Done() }(i)
		}
		all.Wait()
		atomic.AddInt64(&rounds, 512)
	}
}

var forgotten []*os.File

//go:noinline
func openForgotten() *os.File {
	file, err := os.Open("/etc/hostname")
	if err == nil {
		forgotten = append(forgotten, file)
	}
	return file
}

//go:noinline
func mapForgotten(file *os.File) {
	syscall.Mmap(int(file.Fd()), 0, 4096, syscall.PROT_READ, syscall.MAP_SHARED)
}

func files() {
	for {
		mapForgotten(openForgotten())
		atomic.AddInt64(&rounds, 1)
		time.Sleep(50 * time.Millisecond)
	}
}

var vast []byte

// Where it is.
func address() int64 {
	if vast == nil {
		return 0
	}
	return int64(uintptr(unsafe.Pointer(&vast[0])))
}

func start(word string) bool {
	switch word {
	case "files":
		go files()
	case "park":
		park()
		go work()
	case "storm":
		go storm()
	case "vast":
		vast = make([]byte, 256<<20)
	case "keep", "full":
		go allocate(word == "keep")
	case "queues":
		go queues.Run(&rounds)
	case "grow":
		for depth := 10; depth <= 1000; depth += 90 {
			go grow(depth)
		}
	default:
		return false
	}
	return true
}

func main() {
	if len(os.Args) != 2 || !start(os.Args[1]) {
		fmt.Fprintln(os.Stderr, "usage: gobooks keep|full|grow|queues|park|files|storm|vast")
		os.Exit(2)
	}
	fmt.Println("ready")
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		json.NewEncoder(os.Stdout).Encode(map[string]int64{
			"rounds": atomic.LoadInt64(&rounds), "wrong": atomic.LoadInt64(&wrong),
			"vast": address(),
		})
	}
}
