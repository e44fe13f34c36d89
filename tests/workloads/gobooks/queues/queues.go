// SPDX-License-Identifier: GPL-2.0-only

// Package queues has channels that fill, and one that is drained.
package queues

import (
	"sync/atomic"
	"time"
)

type job struct {
	name    string
	payload [120]uint64
}

type sample [4]uint64

const (
	jobsRoom    = 200000
	samplesRoom = 1 << 19
	lostRoom    = 250000
	drainedRoom = 1 << 20
	pace        = 5 * time.Millisecond
)

//go:noinline
func makeJobs() chan *job {
	return make(chan *job, jobsRoom)
}

//go:noinline
func makeLost() chan uint64 {
	return make(chan uint64, lostRoom)
}

//go:noinline
func makeDrained() chan sample {
	return make(chan sample, drainedRoom)
}

type queue[T any] struct {
	items chan T
}

//go:noinline
func makeQueue[T any]() *queue[T] {
	return &queue[T]{items: make(chan T, samplesRoom)}
}

// Take takes a quarter of what is sent.
func take[T any](from chan T) {
	for range from {
		time.Sleep(4 * pace)
	}
}

// Run fills three: of pointers, of a generic type, and one that nobody takes from. The fourth is as
// large and drained at once.
func Run(rounds *int64) {
	jobs, lost, drained, samples := makeJobs(), makeLost(), makeDrained(), makeQueue[sample]()
	go take(jobs)
	go take(samples.items)
	go func() {
		for range drained {
		}
	}()
	for n := uint64(0); ; n++ {
		jobs <- &job{name: "job"}
		samples.items <- sample{n}
		lost <- n
		drained <- sample{n}
		atomic.AddInt64(rounds, 1)
		time.Sleep(pace)
	}
}
