// SPDX-License-Identifier: GPL-2.0-only

// Golimit holds a heap of 64 MiB and makes garbage beside it:
//
//	golimit work  at the first line of its standard input, setLimit sets a limit of 80 MiB
//
// It says "ready", answers each line with a line of JSON, and ends with its standard input.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"runtime/debug"
	"sync/atomic"
	"time"
)

const (
	heapBytes  = 64 << 20
	limitBytes = 80 << 20
)

var (
	heap   [][]byte
	junk   []byte
	rounds int64
)

func fill() {
	for i := 0; i < heapBytes>>20; i++ {
		heap = append(heap, make([]byte, 1<<20))
	}
}

func work() {
	for {
		for i := 0; i < 64; i++ {
			junk = make([]byte, 8<<10)
		}
		atomic.AddInt64(&rounds, 1)
		time.Sleep(5 * time.Millisecond)
	}
}

//go:noinline
func setLimit() {
	debug.SetMemoryLimit(limitBytes)
}

func main() {
	if len(os.Args) != 2 || os.Args[1] != "work" {
		fmt.Fprintln(os.Stderr, "usage: golimit work")
		os.Exit(2)
	}
	fill()
	go work()
	fmt.Println("ready")
	lines := bufio.NewScanner(os.Stdin)
	for set := false; lines.Scan(); set = true {
		if !set {
			setLimit()
		}
		json.NewEncoder(os.Stdout).Encode(map[string]int64{"rounds": atomic.LoadInt64(&rounds)})
	}
}
