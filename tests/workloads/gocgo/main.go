// SPDX-License-Identifier: GPL-2.0-only

// Gocgo takes memory of C from Go:
//
//	gocgo keep  keeps at forgetName, forgetCopy and forgetBlock, gives back at freeName
//	gocgo full  the same without what keeps; blocks of a ring are given back late
//
// Its stack grows and shrinks meanwhile, which a return probe would not survive. It says "ready",
// answers each line of its standard input with a line of JSON, and ends with it.
package main

/*
#include <stdlib.h>
#include <string.h>

static char *copy_text(const char *text)
{
	return strdup(text);
}

// The call returns to an instruction that the kernel puts no probe on.
static void odd(void)
{
	char *block = malloc(64);

	__asm__ volatile("lock; addl $0, (%%rsp)" : "+a"(block) : : "memory", "cc");
	free(block);
}
*/
import "C"

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"sync/atomic"
	"time"
	"unsafe"
)

const ringSize = 500

var (
	ring   [ringSize]unsafe.Pointer
	rounds int64
	wrong  int64
)

//go:noinline
func forgetName(n int) C.size_t {
	name := C.CString(fmt.Sprintf("customer number %d of this house", n))
	return C.strlen(name)
}

//go:noinline
func forgetCopy(name *C.char) C.size_t {
	return C.strlen(C.copy_text(name))
}

//go:noinline
func forgetBlock() {
	block := C.malloc(100)
	C.memset(block, 1, 100)
}

//go:noinline
func freeName(n int) {
	name := C.CString(fmt.Sprintf("guest number %d", n))
	C.free(unsafe.Pointer(name))
}

//go:noinline
func ringPut(n int) {
	C.free(ring[n%ringSize])
	ring[n%ringSize] = C.malloc(200)
}

// Descend adds up depth numbers on a stack that grows with them.
//
//go:noinline
func descend(depth int) int {
	var room [64]int

	if depth == 0 {
		freeName(depth)
		return 0
	}
	room[depth%64] = depth
	return descend(depth-1) + room[depth%64]
}

func grow() {
	const depth = 500

	for {
		done := make(chan int)
		go func() { done <- descend(depth) }()
		if <-done != depth*(depth+1)/2 {
			atomic.AddInt64(&wrong, 1)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func work(keep bool) {
	name := C.CString("the same name again and again")

	for n := 0; ; n++ {
		freeName(n)
		ringPut(n)
		C.odd()
		if keep {
			forgetName(n)
			forgetCopy(name)
			forgetBlock()
		}
		atomic.AddInt64(&rounds, 1)
		time.Sleep(time.Millisecond)
	}
}

func main() {
	if len(os.Args) != 2 || (os.Args[1] != "keep" && os.Args[1] != "full") {
		fmt.Fprintln(os.Stderr, "usage: gocgo keep|full")
		os.Exit(2)
	}
	go work(os.Args[1] == "keep")
	go grow()
	fmt.Println("ready")
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		json.NewEncoder(os.Stdout).Encode(map[string]int64{
			"rounds": atomic.LoadInt64(&rounds), "wrong": atomic.LoadInt64(&wrong),
		})
	}
}
