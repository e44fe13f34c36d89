// SPDX-License-Identifier: GPL-2.0-only

// A Go program whose memory never answers:
//
//	gostuck heap FILE         maps the file over its heap
//	gostuck variables FILE    over its variables
//
// at a line on its input. When whoever serves the file does not answer, those who touch such a page
// wait: the program itself first, and who reads it through /proc/PID/mem.
package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"
	"unsafe"
)

type span struct{ start, end uintptr }

var object = new([4096]byte)

// The mapping with an object of the heap, or the one of variables, which follows the program's file.
func find(what string) (s span) {
	maps, _ := os.ReadFile("/proc/self/maps")
	heap, file := uintptr(unsafe.Pointer(object)), false
	for _, line := range strings.Split(string(maps), "\n") {
		fmt.Sscanf(line, "%x-%x", &s.start, &s.end)
		if what == "heap" && s.start <= heap && heap < s.end ||
			what == "variables" && file && !strings.Contains(line, "/") {
			return s
		}
		file = strings.Contains(line, "/gostuck")
	}
	return s
}

// A thread of its own, so that there are as many as of any server.
func wait() {
	runtime.LockOSThread()
	var ends [2]int
	syscall.Pipe(ends[:])
	syscall.Read(ends[0], make([]byte, 1))
}

func main() {
	for i := 0; i < 4; i++ {
		go wait()
	}
	fd, e := syscall.Open(os.Args[2], syscall.O_RDONLY, 0)
	if e != nil {
		fmt.Println(e)
		os.Exit(1)
	}
	fmt.Println("ready")
	bufio.NewReader(os.Stdin).ReadString('\n')
	s := find(os.Args[1])
	syscall.RawSyscall6(syscall.SYS_MMAP, s.start, s.end-s.start,
		syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_PRIVATE|syscall.MAP_FIXED,
		uintptr(fd), 0)
	fmt.Println("nothing was mapped")
}
